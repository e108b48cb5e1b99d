"""The documents are true: programs run, answers are as printed, links lead somewhere, tables are complete."""

import inspect
import json
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
import requests

from contract_tests.clients.environments import NEWEST, python_of
from contract_tests.rules import test_rooms
from contract_tests.rules.pages import (
    CUT,
    DOCUMENTS,
    PRINTED_URL,
    REPOSITORY,
    Block,
    bare,
    blocks,
    blocks_in,
    blocks_of,
    differences,
    get_block,
    section,
    sections,
    table,
)
from contract_tests.serving import ServedWorld
from mockserver import places
from mockserver.__main__ import main as command
from mockserver.console.home import NOT_YET
from mockserver.entry_points.labelbox_mockserver import pytest_settings
from mockserver.exports.dates import DATED
from mockserver.exports.legacy.dates import DATED as LEGACY_DATED
from mockserver.generate import history, plans, scenario
from mockserver.world.media import MEDIA
from mockserver.world.switches import Switches

EXECUTED = {
    *("ci.md", "control.md", "first-hour.md", "from-v1-to-v2.md", "older-pythons.md", "pytest.md", "receivers.md"),
}
"""Pages whose shell lines are not only checked one by one but executed in their order, here and in the tests beside."""

PARTS: dict[type[msgspec.Struct], str] = {
    plans.Scenario: "Keys of the file",
    Switches: "Keys of `[switches]`",
    plans.TagPlan: "Keys of `[[tags]]`",
    plans.OntologyPlan: "Keys of `[ontologies.NAME]`",
    plans.Tool: "Keys of a tool",
    plans.Question: "Keys of a question",
    plans.Option: "Keys of an option",
    plans.ProjectPlan: "Keys of `[[projects]]`",
    plans.ValuePlan: "Keys of `values`",
    plans.ModelPlan: "Keys of `[[models]]`",
    plans.RunPlan: "Keys of `[[models.runs]]`",
    plans.Splits: "Keys of `splits`",
    plans.SlicePlan: "Keys of `[[slices]]`",
}


@pytest.fixture(scope="module")
def server() -> Iterator[ServedWorld]:
    """A default world that no other test has changed."""
    with ServedWorld() as world:
        yield world


# The first screen


def test_the_readme_program_prints_what_the_readme_says(server: ServedWorld, tmp_path: Path) -> None:
    printed = run_in_sdk(get_block("README.md", "python"), server, tmp_path).splitlines()
    example = get_block("README.md", "text").splitlines()
    place = example.index(CUT)
    assert printed[:place] == example[:place]
    assert printed[place - len(example) + 1 :] == example[place + 1 :]
    assert len(printed) > len(example) - 1


def test_the_readme_row_is_the_first_row(server: ServedWorld, tmp_path: Path) -> None:
    program = get_block("README.md", "python").split("for row in")[0]
    program += "import json\nprint(json.dumps(next(iter(task.get_buffered_stream())).json))\n"
    row = run_in_sdk(program, server, tmp_path).replace(server.url, PRINTED_URL)
    assert differences(json.loads(get_block("README.md", "json")), json.loads(row)) == []


def test_what_is_not_done_is_the_same_in_the_readme_and_on_the_page() -> None:
    documented = section("README.md", "What it does not do yet")
    items = [" ".join(item.split()) for item in re.findall(r"^- (.*(?:\n  .*)*)$", documented, re.MULTILINE)]
    assert items == [f"**{what}**: {why}." for what, why in NOT_YET]


def test_every_make_verb_that_is_named_exists() -> None:
    verbs = set(re.findall(r"^(\w+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    names = {
        verb for block in blocks("console", "shell") for verb in re.findall(r"^make (\w+)", block.text, re.MULTILINE)
    }
    assert {"demo", "test"} <= names <= verbs


# Programs and links


def test_the_shell_of_a_page_that_is_executed_is_plain() -> None:
    """One command a line, so that the tests can take them out."""
    wrong = [block.name for block in blocks("shell") if block.document in EXECUTED and "\\\n" in block.text]
    assert wrong == []


def shell_lines() -> list[Any]:
    return [
        pytest.param(line, id=f"{block.document} {line[:40]}")
        for block in blocks("shell")
        if block.document not in EXECUTED
        for line in block.text.replace("\\\n", " ").splitlines()
    ]


@pytest.mark.parametrize("line", shell_lines())
def test_every_shell_line_can_be_run(line: str, server: ServedWorld) -> None:
    program, *arguments = shlex.split(line)
    check: dict[str, Callable[[list[str]], None]] = {
        "mockserver": is_understood,
        "docker": runs_our_image,
        "pip": installs_our_package,
        "curl": lambda _: is_answered(line.replace(PRINTED_URL, server.url)),
        "export": gives_variables_values,
    }
    check[program](arguments)


def gives_variables_values(arguments: list[str]) -> None:
    assert arguments
    assert all(re.fullmatch(r"[A-Z_]+=\S+", argument) for argument in arguments)


def is_understood(arguments: list[str]) -> None:
    """The command line takes it: parsed, not run."""
    matches: click.Command = command
    while isinstance(matches, click.Group) and arguments and not arguments[0].startswith("-"):
        verb, *arguments = arguments
        matches = find_command(matches, verb)
    matches.make_context(matches.name, arguments)


def find_command(group: click.Group, verb: str) -> click.Command:
    matches = group.get_command(click.Context(group), verb)
    assert matches is not None, f"there is no verb {verb!r}"
    return matches


def runs_our_image(arguments: list[str]) -> None:
    assert arguments[0] in {"build", "run"}
    if "serve" in arguments:
        is_understood(arguments[arguments.index("serve") :])


def installs_our_package(arguments: list[str]) -> None:
    name = re.search(r'^name = "(.*)"$', (REPOSITORY / "pyproject.toml").read_text(), re.MULTILINE)
    assert name is not None
    assert arguments[0] == "install"
    assert name[1] in {argument.partition("[")[0] for argument in arguments}


def is_answered(line: str) -> None:
    finished = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    assert "errors" not in json.loads(finished.stdout)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_leads_to_a_file(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text())
    inside = [target for target in targets if "://" not in target]
    assert [target for target in inside if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_is_named_exists(path: Path) -> None:
    """A path in backticks is in the repository or in the package."""
    names = re.findall(r"`((?:[\w.]+/)+[\w.]*\w\.(?:py|md|toml|graphql|sql))`", path.read_text())
    places = (REPOSITORY, REPOSITORY / "mockserver")
    assert [name for name in names if not any((place / name).exists() for place in places)] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_document_begins_with_its_title(path: Path) -> None:
    """The page for people lists documents by it."""
    assert re.match(r"# \S", path.read_text())


# Completeness


def test_every_room_is_in_the_architecture_in_its_order() -> None:
    documented = [bare(room).rstrip("/") for room, _ in table(section("docs/architecture.md", "Rooms"))]
    paths = {path.stem for path in (REPOSITORY / "mockserver").iterdir() if path.suffix == ".py" or has_python(path)}
    assert documented == [room for room in test_rooms.ROOMS if room in paths and room != test_rooms.GROUND]


def has_python(path: Path) -> bool:
    return path.is_dir() and any(path.rglob("*.py"))


def serve_flags() -> dict[str, click.Option]:
    assert isinstance(command, click.Group)
    return {item.opts[0]: item for item in find_command(command, "serve").params if isinstance(item, click.Option)}


def test_every_setting_is_documented_with_its_name_and_default() -> None:
    documented = {bare(flag): (bare(name), bare(default)) for flag, name, default, _ in settings_table()}
    assert documented == {name: (option.envvar, default_of(option)) for name, option in serve_flags().items()}


def settings_table() -> list[list[str]]:
    return table(section("docs/settings.md", "`mockserver serve`"))


def default_of(option: click.Option) -> str:
    if option.is_flag:
        return "off"
    # click marks "no default" by a value of its own
    headers = isinstance(option.default, (str, int))
    return str(option.default) if headers else "none"


def test_settings_that_are_not_there_yet_are_named_in_the_same_way() -> None:
    documented = {bare(flag) for flag, _, _, meaning in settings_table() if meaning.startswith("Not yet")}
    helped = {name for name, option in serve_flags().items() if (option.help or "").startswith("Not yet")}
    assert documented == helped


def test_every_name_that_is_read_from_the_environment_is_documented() -> None:
    query = set(re.findall(r"environment\.get\(f?\"([^\"]*)\"", inspect.getsource(places)))
    names = {name.replace("{ENVIRONMENT_PREFIX}", places.ENVIRONMENT_PREFIX) for name in query}
    documented = {bare(name) for name, *_ in table(section("docs/settings.md", "Only in the environment"))}
    assert names
    assert names <= documented


def test_every_pytest_option_is_documented() -> None:
    documented = {bare(name) for name, *_ in table(section("docs/settings.md", "pytest"))}
    assert documented == set(pytest_settings.OPTIONS)


def test_the_ready_file_is_as_documented(server: ServedWorld) -> None:
    example = json.loads(get_block("settings.md", "json"))
    ready = json.loads(json.dumps(server.ready).replace(server.url, PRINTED_URL)) | {"pid": example["pid"]}
    assert differences(example, ready) == []


def test_every_dated_change_of_the_payload_is_documented() -> None:
    documented = [(since, what, source) for since, what, source in table(section("docs/known.md", "What changed when"))]
    assert documented == [(item.since.isoformat(), item.what, item.source) for item in DATED.values()]


def test_every_dated_change_of_export_v1_is_documented() -> None:
    documented = [
        (since, what, source)
        for since, what, source in table(section("docs/known.md", "What changed when in Export V1"))
    ]
    assert documented == [(item.since.isoformat(), item.what, item.source) for item in LEGACY_DATED.values()]


@pytest.mark.parametrize("part", PARTS)
def test_every_scenario_key_is_documented_with_its_default(part: type[msgspec.Struct]) -> None:
    documented = {bare(key): default for key, _, default, _ in table(section("docs/scenarios.md", PARTS[part]))}
    assert documented == {field.name: format_default(field) for field in msgspec.structs.fields(part)}


def format_default(field: Any) -> str:
    if field.default_factory is not msgspec.NODEFAULT or field.default is None:
        return "none"
    if field.default is msgspec.NODEFAULT:
        return "required"
    if isinstance(field.default, msgspec.Struct):
        return "none"
    if hasattr(field.default, "isoformat"):
        return f"`{field.default.isoformat().replace('+00:00', 'Z')}`"
    return f"`{json.dumps(field.default)}`"


def test_the_scenario_example_is_whole_and_makes_a_world() -> None:
    text = get_block("scenarios.md", "toml")
    plan = scenario.parse(text.encode(), source="docs/scenarios.md")
    keys = {field.name for part in PARTS for field in msgspec.structs.fields(part)}
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}\b( =|\.|\])", text)] == []
    _, pieces = history.build_world(plan, name="example", seed=0)
    assert sum(len(piece) for piece in pieces) > sum(project.rows for project in plan.projects)


def test_every_media_type_is_documented_with_its_tools_and_types_of_questions() -> None:
    rows = table(section("docs/scenarios.md", "Media types"))
    words = {
        bare(media).strip('"'): (re.findall("`([^`]+)`", t), re.findall("`([^`]+)`", q)) for media, _, t, q in rows
    }
    documented = {media: (set(tools), set(questions)) for media, (tools, questions) in words.items()}
    assert documented == {media.name: (set(media.tools), set(media.questions)) for media in MEDIA}


# The control API


def control_examples() -> list[tuple[Block, Block]]:
    """Each request with the JSON below it. The text of the metrics is compared where they are tested."""
    languages = {"shell", "json", "text"}
    matches = [block for block in blocks_of(REPOSITORY / "docs/control.md") if block.language in languages]
    pairs = list(zip(matches[::2], matches[1::2], strict=True))
    assert {(query.language, answer.language) for query, answer in pairs} == {("shell", "json"), ("shell", "text")}
    return [(query, answer) for query, answer in pairs if answer.language == "json"]


def test_every_control_is_documented_with_an_example_of_its_own(server: ServedWorld) -> None:
    served = requests.get(f"{server.url}/_mock/openapi.json", timeout=60).json()["paths"]
    operations = {f"{method.upper()} {path}" for path, methods in served.items() for method in methods}
    documented = sections((REPOSITORY / "docs/control.md").read_text(), 2)
    assert set(documented) == operations
    for operation, text in documented.items():
        lines = [block.text for block in blocks_in(text, operation) if block.language == "shell"]
        assert lines, f"{operation} has no example"
        assert all(asks_for(line) == operation for line in lines), operation


def asks_for(line: str) -> str:
    """The operation that a curl line calls; a key in the path is its parameter."""
    matches = re.search(rf"{PRINTED_URL}([^\s'?]*)", line)
    method = re.search(r"-X (\w+)", line)
    assert matches is not None, line
    path = matches[1]
    for folder, parameter in (
        ("workspaces", "api_key"),
        ("webhooks", "webhook"),
        ("deliveries", "delivery"),
        ("faults", "fault"),
    ):
        path = re.sub(rf"(/_mock/{folder}/)[^/]+", rf"\1{{{parameter}}}", path)
    return f"{method[1] if method else 'POST' if ' -d ' in line else 'GET'} {path}"


def test_every_control_is_answered_as_documented() -> None:
    """All examples in the order of the page, on a server of its own: each uses what those before it created."""
    wrong: dict[str, list[str]] = {}
    with ServedWorld() as fresh:
        for query, example in control_examples():
            line = query.text.replace(PRINTED_URL, fresh.url)
            finished = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
            real = json.loads(finished.stdout.replace(fresh.url, PRINTED_URL))
            matches = differences(json.loads(example.text), real)
            wrong |= {query.name: matches} if matches else {}
    assert wrong == {}


def run_in_sdk(program: str, server: ServedWorld, folder: Path) -> str:
    """The output of a program of the documents in the SDK's environment, against this server."""
    assert PRINTED_URL in program
    file = folder / "program.py"
    file.write_text(program.replace(PRINTED_URL, server.url))
    finished = subprocess.run([str(python_of(NEWEST)), str(file)], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout
