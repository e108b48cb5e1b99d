"""Whatever JSON comes in, however deep or large, wherever a body is read: it is answered or refused in plain words."""

import json

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.rules.api.asking import Answer, post, send
from contract_tests.serving import ServedWorld

BODIES = ("workspaces", "reset", "clock", "progression", "switches", "expected", "events", "webhooks", "faults")
METHODS = {
    "/_mock/webhooks/last": "PATCH",
    "/adv/adv/v1/embeddings": "POST",
    "/api/v1/feature-schemas/new_feature_schema_id": "PUT",
    "/api/v1/feature-schemas/nobody/definition": "PATCH",
    "/api/v1/feature-schemas/unused": "GET",
    "/api/v1/ontologies/nobody/feature-schemas/nobody": "POST",
}
DOORS = ("/graphql", *(f"/_mock/{name}" for name in BODIES), "/_mock/webhooks/last/replay", *METHODS)
KEYS = {
    "/graphql": ("query", "variables"),
    "/_mock/expected": ("params", "filters", "project"),
    "/_mock/webhooks": ("retries", "topics"),
    "/_mock/progression": ("exports",),
    "/_mock/faults": ("data_rows",),
    "/adv/adv/v1/embeddings": ("name", "more"),
    "/api/v1/feature-schemas/new_feature_schema_id": ("normalized", "more"),
}


@st.composite
def deep(draw: st.DrawFn) -> str:
    """A value inside so many lists and objects as no parser descends."""
    levels = draw(st.sampled_from([1, 50, 63, 64, 65, 127, 128, 129, 500, 1_000, 5_000, 50_000]))
    openers = draw(st.lists(st.sampled_from(["[", '{"a": ', '[1, "]", ', '{"[": 0, "b": ']), min_size=1, max_size=4))
    leaf = draw(st.sampled_from(["1", '"x"', "null", "", '"\\"', "1e400", "-", '{"a": 1, "a": 2}', "[]" * 3]))
    pattern = [openers[level % len(openers)] for level in range(levels)]
    closed = "".join("]" if opener[0] == "[" else "}" for opener in reversed(pattern))
    return "".join(pattern) + leaf + draw(st.sampled_from([closed, closed[: levels // 2], "", closed + "]"]))


def check_answer(answer: Answer, door: str) -> None:
    assert answer.status < 500, (door, answer)
    if answer.status < 400:
        return
    refusal = answer.error["extensions"] | answer.error if door == "/graphql" else answer.json
    assert refusal["message"]
    assert refusal["code"] not in {"MOCKSERVER_BUG", None}


@settings(max_examples=150)
@given(st.sampled_from(DOORS), deep(), st.booleans(), st.data())
def test_json_of_any_depth_is_refused_in_the_wires_own_shape(
    server: ServedWorld, door: str, value: str, within: bool, data: st.DataObject
) -> None:
    if within and door in KEYS:
        key = data.draw(st.sampled_from(KEYS[door]))
        value = f'{{"query": "{{user {{id}}}}", "{key}": {value}}}' if door == "/graphql" else f'{{"{key}": {value}}}'
    method = METHODS.get(door, "POST")
    headers = {"authorization": f"Bearer {server.api_key}", "content-type": "application/json"}
    check_answer(send(server, method, door, value.encode(), headers), door)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("text", ["[" * 2_000_000, '{"a":' * 700_000, "[" + "[]," * 1_000_000 + "1]", '"' * 3_000_000])
def test_megabytes_of_brackets_are_refused_in_the_wires_own_shape(server: ServedWorld, door: str, text: str) -> None:
    method = METHODS.get(door, "POST")
    headers = {"authorization": f"Bearer {server.api_key}", "content-type": "application/json"}
    answer = send(server, method, door, text.encode(), headers)
    check_answer(answer, door)
    assert answer.status in {400, 413}


@pytest.mark.parametrize("door", DOORS)
def test_a_key_that_nothing_reads_may_be_as_deep_as_no_other(server: ServedWorld, door: str) -> None:
    text = '{"name": "n", "dims": 3, "query": "{user {id}}", "more": ' + "[" * 20_000 + "]" * 20_000 + "}"
    headers = {"authorization": f"Bearer {server.api_key}", "content-type": "application/json"}
    answer = send(server, METHODS.get(door, "POST"), door, text.encode(), headers)
    check_answer(answer, door)
    assert answer.status == 400


def test_a_control_says_how_large_and_how_deep_its_body_may_be(server: ServedWorld) -> None:
    url = f"{server.url}/_mock/clock"
    large = requests.post(url, data=b" " * 65_537, timeout=30)
    assert (large.status_code, "at most 65536" in large.json()["message"]) == (413, True)
    deep = json.dumps({"project": "image", "params": json.loads("[" * 64 + "]" * 64)})
    refusal = requests.post(f"{server.url}/_mock/expected", data=deep, timeout=30).json()["message"]
    assert "more than 64 levels" in refusal


@settings(max_examples=40)
@given(st.integers(1, 200))
def test_variables_are_read_at_any_depth_up_to_the_limit(server: ServedWorld, depth: int) -> None:
    """The body itself and its variables are two levels, and each term of a search is two more."""
    where = '{"AND": [' * depth + '{"name": "image"}' + "]}" * depth
    query = "query($where: ProjectWhere) {projects(where: $where) {name}}"
    answer = post(server, f'{{"query": "{query}", "variables": {{"where": {where}}}}}'.encode())
    if 2 * depth + 3 <= 128:
        assert answer.data == {"projects": [{"name": "image"}]}
    else:
        assert "more than 128 levels" in answer.message
