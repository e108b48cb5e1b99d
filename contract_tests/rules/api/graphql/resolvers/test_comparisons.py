"""Every field of every list compared in the six ways of SDKs (orm/query.py), against a plain filter in Python."""

import datetime
import operator
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, build_schema, get_named_type
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.rules.api.asking import EXPORT, answer_in, ask_in, export_input
from contract_tests.serving import ServedWorld
from mockserver.api.graphql.schema import read_sdl
from mockserver.testing import MockWorkspace

Item = dict[str, Any]
Where = dict[str, Any]

LISTS = {
    "projects": ("ProjectWhere", "projects(where: $where)"),
    "datasets": ("DatasetWhere", "datasets(where: $where)"),
    "users": ("UserWhere", "organization{users(where: $where)}"),
    "frontends": ("LabelingFrontendWhere", "labelingFrontends(where: $where)"),
    "models": ("ModelWhere", "models(where: $where)"),
    "runs": ("ModelRunWhere", 'model(where: {name: "street detector"}){modelRuns(where: $where)}'),
    "webhooks": ("WebhookWhere", "organization{webhooks(where: $where)}"),
    "data rows": ("DataRowWhere", "dataset(where: {id: $dataset}){dataRows(where: $where)}"),
    "labels": ("LabelWhere", "project(where: {id: $project}){labels(where: $where, first: 1000)}"),
    "tasks": ("TaskWhere", "organization{tasks(where: $where)}"),
    "tasks of a person": ("TaskWhere", "user{createdTasks(where: $where)}"),
    "attachments": ("AssetAttachmentWhere", "dataRow(where: {id: $row}){attachments(where: $where)}"),
    "frontend options": (
        "LabelingFrontendOptionsWhere",
        "project(where: {id: $project}){labelingFrontendOptions(where: $where)}",
    ),
    "overrides": (
        "LabelingParameterOverrideWhere",
        "project(where: {id: $project}){labelingParameterOverrides(where: $where)}",
    ),
    "benchmarks": ("BenchmarkWhere", "project(where: {id: $judged}){benchmarks(where: $where)}"),
    "reviews": ("ReviewWhere", "label(where: {id: $reviewed}){reviews(where: $where)}"),
}
"""The type of the input, and where the list is found."""
NOT_SERVED_ALIKE = {("DataRowWhere", "rowData"), ("AssetAttachmentWhere", "value")}
"""Links of files that the server hosts, which are new every day; the schema says so."""
WITHOUT_CASE = {("LabelingFrontendWhere", "name")}

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "": operator.eq, "_not": operator.ne, "_lt": operator.lt, "_gt": operator.gt, "_lte": operator.le,
    "_gte": operator.ge,
}  # fmt: skip
OTHERS: dict[str, list[Any]] = {
    "ID": ["nobody", "", "zzz"], "String": ["", "Image", "%", "_", "n", "\u00e9", "zzz"], "Int": [-1, 0, 1, 12],
    "Float": [-1.0, 0.0, 0.5, 1.0, 100.0], "Boolean": [True, False],
    "DateTime": ["2024-01-01T00:00:00Z", "2030-01-01T00:00:00.000Z", "2026-01-01"],
}  # fmt: skip


@cache
def fields_of(input_type: str) -> dict[str, list[Any]]:
    """The fields that can be compared, with values that no item needs to have."""
    kind = build_schema(read_sdl(), assume_valid=True).type_map[input_type]
    assert isinstance(kind, GraphQLInputObjectType)
    plain = {name: get_named_type(field.type) for name, field in kind.fields.items() if f"{name}_gte" in kind.fields}
    known = {name: field_type for name, field_type in plain.items() if (input_type, name) not in NOT_SERVED_ALIKE}
    return {
        name: list(field_type.values)
        if (field_type := known[name]) and hasattr(field_type, "values")
        else OTHERS[field_type.name]
        for name in known
    }


class Lists:
    """A workspace with an item in every list, and the ids that the lists are found by."""

    def __init__(self, workspace: MockWorkspace, states: MockWorkspace) -> None:
        self._workspace, self._states = workspace, states
        project = {"id": workspace.project("image")}
        labels = "query($id: ID!){project(where: {id: $id}){labels(first: 100){dataRow{id attachments{id}}}}}"
        rows = [label["dataRow"] for label in ask_in(workspace, labels, **project)["project"]["labels"]]
        judged = "{projects{id benchmarks{id} labels(first: 100){id reviews{id}}}}"
        projects = ask_in(states, judged)["projects"]
        reviewed = max(
            (label for item in projects for label in item["labels"]), key=lambda label: len(label["reviews"])
        )
        self._ids = {
            "dataset": workspace.dataset("image rows"),
            "project": project["id"],
            "row": max(rows, key=lambda row: len(row["attachments"]))["id"],
            "judged": max(projects, key=lambda item: len(item["benchmarks"]))["id"],
            "reviewed": reviewed["id"],
        }

    def items(self, name: str, where: Where | None = None) -> list[Item]:
        input_type, path = LISTS[name]
        used = {key: value for key, value in self._ids.items() if f"${key}" in path}
        declared = "".join(f", ${key}: ID!" for key in used)
        selection = " ".join(["id", *fields_of(input_type)])
        start, closing = (path[:-1], "}") if path.endswith("}") else (path, "")
        document = f"query($where: {input_type}{declared}){{{start}{{{selection}}}{closing}}}"
        workspace = self._states if {"judged", "reviewed"} & used.keys() else self._workspace
        value: Any = ask_in(workspace, document, where=where, **used)
        while isinstance(value, dict):
            [value] = value.values()
        return list(value)


def export(workspace: MockWorkspace, name: str) -> str:
    inputs = export_input(workspace.project("image")) | {"taskName": name}
    return str(ask_in(workspace, EXPORT, input=inputs)["exportDataRowsInProject"]["taskId"])


def make_tasks(workspace: MockWorkspace) -> None:
    """One of each status, the finished ones long ago."""
    for name in ("a", "b", "a"):
        ask_in(workspace, "query($id: ID!){task(where: {id: $id}){status}}", id=export(workspace, name))
    workspace.progression.exports = {"seconds": 1e9}
    export(workspace, "running")
    ask_in(workspace, f'mutation{{cancelBulkOperationJob(id: "{export(workspace, "cancelled")}"){{success}}}}')
    workspace.progression.exports = "at_once"
    workspace.clock.advance(seconds=60)


def create_webhooks(workspace: MockWorkspace) -> None:
    create = (
        'mutation($url: String!){createWebhook(data: {topics: {set: [LABEL_CREATED]}, url: $url, secret: "x"}){id}}'
    )
    webhook_ids = [ask_in(workspace, create, url=f"http://127.0.0.1:9/{name}")["createWebhook"]["id"] for name in "ab"]
    ask_in(workspace, f'mutation{{updateWebhook(where: {{id: "{webhook_ids[0]}"}}, data: {{status: REVOKED}}){{id}}}}')


@pytest.fixture(scope="module")
def lists(server: ServedWorld) -> Lists:
    workspace = server.workspace()
    make_tasks(workspace)
    create_webhooks(workspace)
    for name in ("a", "b", "IMAGE"):
        ask_in(workspace, f'mutation{{createProject(data: {{name: "{name}"}}){{id}}}}')
        ask_in(workspace, f'mutation{{createDataset(data: {{name: "{name}", description: "{name}"}}){{id}}}}')
    workspace.clock.freeze()
    return Lists(workspace, server.workspace(scenario="states"))


def parse_moment(text: str) -> datetime.datetime:
    parsed = datetime.datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=datetime.UTC)


def fits(item: Item, where: Where, input_type: str) -> bool:
    """Whether an item is found by a search: what the server must agree with."""
    return all(_term_fits(item, key, value, input_type) for key, value in where.items())


def _term_fits(item: Item, key: str, value: Any, input_type: str) -> bool:
    if key == "AND":
        return all(fits(item, part, input_type) for part in value)
    if key == "OR":
        return not value or any(fits(item, part, input_type) for part in value)
    if key == "NOT":
        return not any(fits(item, part, input_type) for part in value)
    name, _, suffix = key.partition("_")
    own = item[name]
    if own is None:
        return False
    if name.endswith(("At", "Complete", "Time", "Activity")) and isinstance(own, str):
        own, value = parse_moment(own), parse_moment(value)
    if (input_type, name) in WITHOUT_CASE:
        own, value = own.lower(), value.lower()
    return OPERATORS[f"_{suffix}" if suffix else ""](own, value)


def comparisons(fields: dict[str, list[Any]], items: list[Item]) -> st.SearchStrategy[Where]:
    """`{name_gt: value}`, the value one of an item or another."""
    values = {
        name: [item[name] for item in items if item[name] is not None] + others for name, others in fields.items()
    }
    one = st.sampled_from(sorted(values)).flatmap(
        lambda name: st.tuples(st.sampled_from(sorted(OPERATORS)), st.sampled_from(values[name])).map(
            lambda drawn: {f"{name}{drawn[0]}": drawn[1]}
        )
    )
    return st.recursive(
        one,
        lambda inner: st.tuples(st.sampled_from(["AND", "OR", "NOT"]), st.lists(inner, max_size=3)).map(
            lambda drawn: {drawn[0]: drawn[1]}
        ),
        max_leaves=4,
    )


@pytest.mark.known("client")
@pytest.mark.parametrize("name", LISTS)
def test_a_search_finds_what_a_plain_filter_leaves(lists: Lists, name: str) -> None:
    input_type, _ = LISTS[name]
    every = lists.items(name)
    assert every
    searches = comparisons(fields_of(input_type), every)

    @settings(max_examples=40)
    @given(searches)
    def law(where: Where) -> None:
        assert lists.items(name, where) == [item for item in every if fits(item, where, input_type)]

    law()


@pytest.mark.known("client")
@pytest.mark.parametrize("name", LISTS)
def test_each_field_is_compared_in_each_way(lists: Lists, name: str) -> None:
    input_type, _ = LISTS[name]
    every = lists.items(name)
    keep = partial(fits, input_type=input_type)
    for field, others in fields_of(input_type).items():
        values = [item[field] for item in every if item[field] is not None] or others
        for suffix in OPERATORS:
            where = {f"{field}{suffix}": values[0]}
            assert lists.items(name, where) == [item for item in every if keep(item, where)], where


@pytest.mark.known("client")
def test_data_rows_of_a_dataset_are_compared_one_field_at_a_time(lists: Lists, server: ServedWorld) -> None:
    """The document of SDKs since 3.50 (dataset.py)."""
    document = (
        "query($id: ID!, $where: DatasetDataRowWhereInput){datasetDataRows(id: $id, first: 100, where: $where)"
        "{nodes{id externalId globalKey createdAt updatedAt}}}"
    )
    dataset = server.own.dataset("image rows")

    def search(where: Where | None) -> list[Item]:
        rows: list[Item] = ask_in(server.own, document, id=dataset, where=where)["datasetDataRows"]["nodes"]
        return rows

    every = search(None)
    for field in every[0]:
        for suffix in OPERATORS:
            where = {f"{field}{suffix}": every[3][field]}
            assert search(where) == [row for row in every if fits(row, where, "DataRowWhere")]


@pytest.mark.known("client")
@pytest.mark.parametrize("name", ["editor", "EDITOR", "Editor"])
def test_the_frontend_of_every_organization_is_found_in_any_case(server: ServedWorld, name: str) -> None:
    document = "query($name: String!){labelingFrontends(where: {name: $name}){name}}"
    assert ask_in(server.own, document, name=name)["labelingFrontends"] == [{"name": "Editor"}]


@pytest.mark.known("inferred")
@pytest.mark.parametrize("field", ["metadata", "colour"])
def test_what_cannot_be_compared_is_refused_by_its_name(server: ServedWorld, field: str) -> None:
    [error] = answer_in(server.own, f'{{organization{{tasks(where: {{{field}: "x"}}){{id}}}}}}')["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert f'"{field}"' in error["message"]
