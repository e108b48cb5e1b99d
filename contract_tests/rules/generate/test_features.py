"""Names become values as the editor makes them, and a value that somebody gave stays."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.generate import features
from mockserver.generate.scenario import parse

OBSERVED = {
    "1 - Surely": "1_surely",
    "2 - Perhaps": "2_perhaps",
    "Open Sand / Dry Moss": "open_sand_dry_moss",
    "Ponds & Lasting Bogs": "ponds_lasting_bogs",
    "[Grp2] Pond Rose": "grp2_pond_rose",
    "Is it right": "is_it_right",
    "named-entity": "named_entity",
}
"""Public exports of 2024-12 and 2025-08, and the SDK's tests."""


@pytest.mark.known("sample")
@pytest.mark.parametrize("name", OBSERVED)
def test_a_name_becomes_the_value_that_was_observed(name: str) -> None:
    assert features.make_machine_name(name, "radio") == OBSERVED[name]


@pytest.mark.known("sample")
@pytest.mark.parametrize("sign", sorted(set(string.punctuation) - set("-_")))
def test_every_sign_of_ascii_is_dropped(sign: str) -> None:
    assert features.make_machine_name(f"Kind{sign}of lorry{sign} {sign} or car{sign}", "radio") == "kindof_lorry_or_car"


@pytest.mark.known("inferred")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("天気", "天気"), ("Заме\u0301тка 📝", "заме\u0301тка"), ("Größe – Maß", "größe_maß"),
        ("क्ष त्र", "क्ष_त्र"), ("line\u2028break", "line_break"),
        ("snake_case", "snake_case"), ("???", "???"), ("❤️", "❤️"), (" - both ends - ", "both_ends"),
    ],
)  # fmt: skip
def test_letters_digits_and_marks_of_every_script_stay(name: str, value: str) -> None:
    assert features.make_machine_name(name, "radio") == value


@pytest.mark.known("client")
def test_prompts_and_responses_keep_their_hyphens() -> None:
    assert features.make_machine_name("Prompt-text of all", "prompt") == "prompt-text_of_all"


@given(st.text(min_size=1))
def test_a_value_is_never_empty_and_the_same_again(name: str) -> None:
    value = features.make_machine_name(name, "radio")
    assert value
    if value != name:
        assert features.make_machine_name(value, "radio") == value


GIVEN = """
description = "d"
[ontologies.o]
media = "image"
tools = [{ name = "Box", tool = "rectangle", value = "Reg.-Nr. 1" }, { name = "A & B", tool = "polygon" }]
[[ontologies.o.questions]]
name = "Kind?"
type = "radio"
value = "k 2"
options = [{ name = "One", value = "1/1", questions = [{ name = "Why", type = "text", value = "w?" }] }, "Two"]
[[projects]]
name = "p"
media = "image"
ontology = "o"
"""


def test_tools_questions_and_options_take_a_value_at_every_depth_and_keep_it() -> None:
    plan = parse(GIVEN.encode(), source="given.toml")
    ontology = features.build_ontology(0, "o", plan.ontologies["o"])
    [question] = ontology.questions
    assert [tool.value for tool in ontology.tools] == ["Reg.-Nr. 1", "a_b"]
    assert [question.value, *(answer.value for answer in question.answers)] == ["k 2", "1/1", "two"]
    assert question.answers[0].questions[0].value == "w?"
    again = features.parse_ontology(ontology.id, ontology.normalized)
    assert ([*again.tools], [*again.questions]) == ([*ontology.tools], [*ontology.questions])


@pytest.mark.known("client")
def test_only_a_tool_that_was_given_a_value_says_so_in_the_ontology() -> None:
    plan = parse(GIVEN.encode(), source="given.toml")
    tools = json.loads(features.build_ontology(0, "o", plan.ontologies["o"]).normalized)["tools"]
    assert [tool.get("value") for tool in tools] == ["Reg.-Nr. 1", None]
