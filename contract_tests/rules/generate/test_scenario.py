"""Scenario files: their keys and values, and the message about each mistake."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.errors import ScenarioError
from mockserver.generate import plans
from mockserver.generate.plans import Scenario
from mockserver.generate.scenario import load, parse
from mockserver.generate.scenario_files import find, list_scenarios
from mockserver.world.media import BY_NAME, MEDIA

HEAD = 'description = "d"\n'
ONTOLOGY = HEAD + '[ontologies.o]\nmedia = "image"\n'
TOOL = ONTOLOGY + '[[ontologies.o.tools]]\nname = "Car"\n'
QUESTION = ONTOLOGY + '[[ontologies.o.questions]]\nname = "State"\n'
FORM = HEAD + '[ontologies.o]\nmedia = "llm"\n[[ontologies.o.questions]]\nname = "Answer"\n'
PROJECT = ONTOLOGY + '[[projects]]\nname = "p"\nmedia = "image"\n'
RUNS = PROJECT + 'ontology = "o"\n[[models]]\nname = "m"\nontology = "o"\n[[models.runs]]\nname = "r"\nproject = "p"\n'
SLICE = PROJECT + 'ontology = "o"\n[[slices]]\nname = "s"\n'

MISTAKES: dict[str, tuple[str, str, str]] = {
    "no TOML": ("description = nothing", "not TOML", "line 1"),
    "not UTF-8": ("description = '\udcff'", "not TOML", "utf-8"),
    "nothing at all": ("", "at $", "description"),
    "an empty description": ('description = ""', "at $.description", "length >= 1"),
    "a number for a text": ("description = 5", "at $.description", "Expected `str`, got `int`"),
    "an unknown key": (HEAD + "peopel = 3", "at $", '"people"'),
    "too few people": (HEAD + "people = 0", "at $.people", ">= 1"),
    "too many people": (HEAD + "people = 51", "at $.people", "<= 50"),
    "an end that is text": (HEAD + 'ends = "soon"', "at $.ends", "ends"),
    "an end that is only a date": (HEAD + "ends = 2025-01-01", "at $.ends", "datetime"),
    "an unknown media type": (HEAD + '[ontologies.o]\nmedia = "images"', "at $.ontologies.o.media", '"image"'),
    "an ontology without media": (HEAD + "[ontologies.o]\n", "at $.ontologies.o", "`media`"),
    "an unknown key of an ontology": (ONTOLOGY + "tool = []", "at $.ontologies.o", '"tools"'),
    "an unknown tool": (TOOL + 'tool = "rectangel"', "at $.ontologies.o.tools[0].tool", '"rectangle"'),
    "a tool for other media": (TOOL + 'tool = "named-entity"', "at $.ontologies.o.tools[0].tool", '"polygon"'),
    "an unknown key of a tool": (TOOL + 'tool = "point"\ncolour = "#fff"', "tools[0]", '"color"'),
    "a colour that is none": (TOOL + 'tool = "point"\ncolor = "red"', "tools[0].color", "^#[0-9a-fA-F]{6}$"),
    "an unknown kind of question": (QUESTION + 'type = "radios"', "questions[0].type", '"radio"'),
    "a choice without options": (QUESTION + 'type = "radio"', "$.ontologies.o.questions[0]", "needs options"),
    "a text with options": (QUESTION + 'type = "text"\noptions = ["a"]', "questions[0]", "takes no options"),
    "a prompt elsewhere": (QUESTION + 'type = "prompt"', "questions[0].type", "not asked of image"),
    "an ordinary question about prompts": (FORM + 'type = "text"', "questions[0].type", '"response-text"'),
    "a response without options": (FORM + 'type = "response-radio"', "$.ontologies.o.questions[0]", "needs options"),
    "a response in words with options": (
        FORM + 'type = "response-text"\noptions = ["a"]', "$.ontologies.o.questions[0]", "takes no options",
    ),
    "two prompts": (
        FORM + 'type = "prompt"\n[[ontologies.o.questions]]\nname = "Again"\ntype = "prompt"',
        "$.ontologies.o.questions", "one prompt at most",
    ),
    "a tool where there is none": (
        HEAD + '[ontologies.o]\nmedia = "html"\ntools = [{ name = "Box", tool = "rectangle" }]',
        "$.ontologies.o.tools[0].tool", "it has none",
    ),
    "an option that is a number": (QUESTION + 'type = "radio"\noptions = [1]', "questions[0].options[0]", "str"),
    "a wrong question below an option": (
        QUESTION + 'type = "radio"\noptions = [{name = "a", questions = [{name = "b", type = "radio"}]}]',
        "at $.ontologies.o.questions[0].options[0].questions[0]", "needs options",
    ),
    "an unknown key of an option": (
        QUESTION + 'type = "radio"\noptions = [{nam = "a"}]', "questions[0].options[0]", '"name"',
    ),
    "a project without an ontology": (PROJECT, "at $.projects[0]", "`ontology`"),
    "a project with an unknown ontology": (PROJECT + 'ontology = "oo"', "at $.projects[0].ontology", 'known are "o"'),
    "a project of other media": (
        ONTOLOGY + '[[projects]]\nname = "p"\nmedia = "text"\nontology = "o"',
        "at $.projects[0].ontology", "is for image",
    ),
    "two projects of one name": (
        PROJECT + 'ontology = "o"\n[[projects]]\nname = "p"\nmedia = "image"\nontology = "o"',
        "at $.projects[1].name", "'p' is used twice",
    ),
    "an unknown key of a project": (PROJECT + 'ontology = "o"\nlabeled = 3', "at $.projects[0]", '"labelled"'),
    "a negative number of rows": (PROJECT + 'ontology = "o"\nlabelled = -1', "at $.projects[0].labelled", ">= 0"),
    "no ontology to choose from": (
        HEAD + '[[projects]]\nname = "p"\nmedia = "image"\nontology = "o"',
        "$.projects[0].ontology", "add an [ontologies",
    ),
    "a model without an ontology": (
        RUNS.replace('"o"\n[[models.runs]]', '"oo"\n[[models.runs]]'), "models[0].ontology", 'known are "o"',
    ),
    "a run over an unknown project": (
        RUNS.replace('project = "p"', 'project = "q"'), "runs[0].project", 'known are "p"',
    ),
    "a run over a project of another ontology": (
        RUNS + '[ontologies.x]\nmedia = "image"\n[[models]]\nname = "n"\nontology = "x"\n'
        '[[models.runs]]\nname = "s"\nproject = "p"',
        "at $.models[1].runs[0].project", "the model 'x'",
    ),
    "two runs of one name": (RUNS + '[[models.runs]]\nname = "r"\nproject = "p"', "runs[1].name", "used twice"),
    "two models of one name": (RUNS + '[[models]]\nname = "m"\nontology = "o"', "models[1].name", "used twice"),
    "a share of more than all": (RUNS + "share = 101", "at $.models[0].runs[0].share", "<= 100"),
    "a confidence above 1": (RUNS + "confidence = [0.5, 1.1]", "runs[0].confidence[1]", "<= 1"),
    "a confidence upside down": (RUNS + "confidence = [0.9, 0.1]", "runs[0].confidence", "[lowest, highest]"),
    "splits of more than all": (RUNS + "splits = {training = 90}", "runs[0].splits", "at most 100 percent"),
    "an unknown split": (RUNS + "splits = {train = 90}", "runs[0].splits", '"training"'),
    "a slice of an unknown dataset": (SLICE + 'datasets = ["q"]', "slices[0].datasets[0]", 'known are "p"'),
    "two slices of one name": (SLICE + '[[slices]]\nname = "s"', "at $.slices[1].name", "used twice"),
    "a slice with a date that is none": (SLICE + 'last_activity_at = ["soon", ""]', "last_activity_at", "'soon'"),
    "an unknown key of a slice": (SLICE + 'dataset = "p"', "at $.slices[0]", '"datasets"'),
}  # fmt: skip


@pytest.mark.parametrize(("text", "where", "expected"), MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_reported_with_file_place_and_what_is_right(text: str, where: str, expected: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        parse(text.encode("utf-8", "surrogateescape"), source="mine.toml")
    message = str(refused.value)
    assert re.match(r"mine\.toml(:\d+: at | ?: not TOML|: its lists)", message), message
    assert where in message
    assert expected in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("defualt", '"default"'),
        ("", '"default"'),
        ("nowhere/x.toml", "no such file"),
        ("/", "no such file"),
        ("x.toml", "no such"),
    ],
)
def test_an_unknown_scenario_is_reported_with_the_known_ones(name: str, expected: str) -> None:
    with pytest.raises(ScenarioError, match=expected):
        find(name)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_scenario_or_a_scenario_error(content: bytes) -> None:
    check(content)


INNER = ["name", "type", "tool", "questions", "options", "media", "tools"]
VALUES = st.recursive(
    st.one_of(
        st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(["image", "text", "radio", "o", "p", "rectangle", "named-entity", "#123456", ""]),
    ),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from(INNER), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
KEYS = sorted(
    {"description", "organization", "people", "ends", "ontologies", "projects", "models", "slices", "unknown"}
)


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5))
@settings(max_examples=300, deadline=None)
def test_any_tables_are_a_scenario_or_a_scenario_error(tables: dict[str, Any]) -> None:
    check("\n".join(f"{key} = {toml(value)}" for key, value in (tables | {"description": "d"}).items()).encode())


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else repr(value)


def check(content: bytes) -> None:
    with suppress(ScenarioError):
        assert isinstance(parse(content, source="any.toml"), Scenario)


def test_scenarios_that_come_along_load_and_say_what_they_are() -> None:
    assert {"default", "empty"} <= set(list_scenarios())
    for name in list_scenarios():
        assert load(find(name)).description


def test_a_file_of_ones_own_is_found_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(PROJECT + 'ontology = "o"\n')
    [project] = load(find(str(tmp_path / "mine.toml"))).projects
    assert (project.name, project.rows, project.dataset_name) == ("p", 12, "p")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2025-01-01T00:00:00Z", 1735689600),
        ("2025-01-01T00:00:00", 1735689600),
        ("2025-01-01T02:00:00+02:00", 1735689600),
    ],
)
def test_an_end_is_a_moment_of_utc_unless_it_says_otherwise(text: str, seconds: int) -> None:
    assert parse(f"{HEAD}ends = {text}".encode(), source="x").ends_at == seconds * 1_000_000


SHOWN = {plan.media: plan for name in ("forms", "default") for plan in load(find(name)).ontologies.values()}
ASKED_OF_CLIPS = 1
"""Objects of clips answer no nested questions: the service gave them back empty (SDK tests of video exports)."""


@pytest.mark.parametrize("media", BY_NAME)
def test_our_scenarios_show_every_tool_and_question_of_a_media_type_nested_three_deep(media: str) -> None:
    ontology = SHOWN[media]
    below = [question for tool in ontology.tools for question in tool.questions]
    question_types = BY_NAME[media].questions
    assert {tool.tool for tool in ontology.tools} == BY_NAME[media].tools
    if media == "llm-prompt":  # an ontology has one prompt at most, and it opens nothing
        assert [question.type for question in ontology.questions] == ["prompt"]
        return
    assert {question.type for question in ontology.questions if question.scope == "global"} == question_types
    assert max(map(depth, ontology.questions)) == 3
    if below:
        assert {kind for question in below for kind in kinds_in(question)} == question_types
        assert max(map(depth, below)) == (ASKED_OF_CLIPS if BY_NAME[media].framed else 3)
    moments = [question for question in ontology.questions if question.scope == "index"]
    assert {question.type for question in moments} in (set(), question_types)


def kinds_in(question: plans.Question) -> set[str]:
    opened = [below for answer in question.answers for below in answer.questions]
    return {question.type, *(kind for below in opened for kind in kinds_in(below))}


def depth(question: plans.Question) -> int:
    opened = [below for answer in question.answers for below in answer.questions]
    return 1 + max(map(depth, opened), default=0)


def test_every_tool_of_the_table_belongs_to_a_media_type() -> None:
    kinds = set().union(*(media.tools for media in MEDIA))
    assert kinds == set(get_args(plans.ToolKind))


# Scenarios that are like another


def test_what_a_scenario_does_not_say_is_as_in_the_one_it_is_like() -> None:
    base, scenario = load(find("default")), parse(b'description = "d"\nlike = "default"\npeople = 2', source="x")
    assert (scenario.description, scenario.people, scenario.ends) == ("d", 2, base.ends)
    assert (scenario.projects, scenario.ontologies) == (base.projects, base.ontologies)


def test_own_projects_come_after_those_of_the_other_and_some_of_these_may_be_left_out() -> None:
    like = 'like = "default"\nwithout = ["image"]\n'
    scenario = parse((PROJECT.replace(HEAD, HEAD + like) + 'ontology = "o"\n').encode(), source="x")
    names = [project.name for project in load(find("default")).projects]
    assert [project.name for project in scenario.projects] == [*(name for name in names if name != "image"), "p"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('like = "defualt"', 'built-in scenarios: "default"'),
        ('like = "../default"', "unknown scenario '../default'"),
        ('without = ["image"]', "name that in `like`"),
        ('like = "default"\nwithout = ["picture"]', "'default' has no project 'picture'"),
    ],
)
def test_a_scenario_like_an_unknown_one_is_refused(text: str, expected: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(expected)):
        parse(f"{HEAD}{text}".encode(), source="x")


@pytest.mark.known("documented")
def test_the_classic_world_is_the_default_one_of_its_time() -> None:
    classic, default = load(find("classic-2023")), load(find("default"))
    assert (classic.ends.date().isoformat(), str(classic.payload_date)) == ("2023-06-30", "2023-06-30")
    assert {project.media for project in classic.projects} & LATER == set()
    assert {project.media for project in default.projects} - {project.media for project in classic.projects} <= LATER


LATER = {"llm", "chat", "llm-prompt", "llm-response"}
"""Media that SDKs of 2023-06 do not know (MediaType: LLM_* from 3.50, conversations with models later still)."""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = " + b"[" * 3000, "nested too deep"),
        (b"#" * (1024 * 1024 + 1), "more than 1,048,576 bytes"),
        (b"\xff", "not TOML"),
    ],
)
def test_a_file_that_is_no_scenario_is_refused_by_its_path(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "scenario.toml"
    file.write_bytes(content)
    with pytest.raises(ScenarioError, match=said) as refused:
        load(file)
    assert str(file) in str(refused.value)


INLINE = """
description = "d"
[ontologies.fine]
media = "image"
tools = [{ name = "Car", tool = "rectangle" }]

[ontologies."my own"]
media = "text"
tools = [
  { name = "Who", tool = "named-entity" },
  { name = "Car", tool = "bbox" },
]

[[projects]]
name = "a"
media = "image"
ontology = "fine"

[[projects]]
name = "b"
media = "image"
ontology = "fine"
labelled = 3
"""


@pytest.mark.parametrize(
    ("change", "line", "expected"),
    [
        (("", ""), 11, """$.ontologies.my own.tools[1].tool: 'bbox' is no tool for text; expected one of \"edge\","""),
        (('"bbox"', '"named-entity", colour = "#000000"'), 11, "there is no key 'colour'"),
        (('"bbox"', '"named-entity"'), 0, ""),
        (('"bbox" },\n]', '"named-entity" },\n]\nquestion = []'), 13, "there is no key 'question'"),
    ],
)
def test_a_mistake_is_reported_with_its_line(change: tuple[str, str], line: int, expected: str) -> None:
    text = INLINE.replace(*change) if change[0] else INLINE
    if not line:
        assert parse(text.encode(), source="mine.toml")
        return
    with pytest.raises(ScenarioError) as refused:
        parse(text.encode(), source="mine.toml")
    assert str(refused.value).startswith(f"mine.toml:{line}: at $.")
    assert expected in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [("labelled = 3", "labelled = -3", 23), ('name = "b"', 'name = "a"', 20), ('media = "text"', 'media = "txt"', 8)],
)
def test_the_line_is_that_of_the_right_one_among_equals(old: str, new: str, line: int) -> None:
    good = INLINE.replace('"bbox"', '"named-entity"')
    with pytest.raises(ScenarioError, match=rf"^mine\.toml:{line}: at "):
        parse(good.replace(old, new).encode(), source="mine.toml")
