"""Feature schemas and the records around ontologies, in the documents of the SDK."""

import json
from typing import Any

import pytest

from contract_tests.rules.api.asking import ask
from contract_tests.serving import ServedWorld

NODES = (  # SDK client.py 7.17.0
    "query rootSchemaNodesPyApi($search: String, $filter: RootSchemaNodeFilter, $from : String, $first: PageSize){"
    "rootSchemaNodes(where: {filter: $filter, search: $search}, after: $from, first: $first){nodes {name name "
    "normalized id} nextCursor}}"
)
NODE = (
    "query rootSchemaNodePyApi($rootSchemaNodeWhere: RootSchemaNodeWhere!){"
    "rootSchemaNode(where: $rootSchemaNodeWhere){name name normalized id}}"
)


def nodes(server: ServedWorld, search: str, first: int) -> list[Any]:
    every: list[Any] = []
    cursor = None
    while True:
        variables = {"search": search, "filter": {"status": "ALL"}, "from": cursor, "first": first}
        page = ask(server, NODES, variables).data["rootSchemaNodes"]
        every += page["nodes"]
        cursor = page["nextCursor"]
        if not cursor or not page["nodes"]:
            return every


@pytest.mark.known("client")
@pytest.mark.parametrize("first", [1, 3, 100])
def test_every_top_level_feature_is_listed_once(server: ServedWorld, first: int) -> None:
    features_in_pages = nodes(server, "", first)
    known: set[str] = set()
    for ontology in ask(server, "{ontologies{nodes{normalized}}}").data["ontologies"]["nodes"]:
        features = ontology["normalized"]["tools"] + ontology["normalized"]["classifications"]
        known |= {feature["featureSchemaId"] for feature in features}
    assert sorted(node["normalized"]["featureSchemaId"] for node in features_in_pages) == sorted(known)


@pytest.mark.known("client")
def test_features_are_found_by_a_part_of_their_name(server: ServedWorld) -> None:
    assert [node["name"] for node in nodes(server, "weath", 10)] == ["Weather"]
    assert nodes(server, "nothing like that", 10) == []


@pytest.mark.known("client")
def test_a_feature_is_found_by_the_id_of_its_schema(server: ServedWorld) -> None:
    [weather] = nodes(server, "Weather", 10)
    wanted = {"featureSchemaId": weather["normalized"]["featureSchemaId"]}
    assert ask(server, NODE, {"rootSchemaNodeWhere": wanted}).data["rootSchemaNode"] == weather
    refused = ask(server, NODE, {"rootSchemaNodeWhere": {"featureSchemaId": "nobody"}})
    assert (refused.code, "'nobody'" in refused.message) == ("RESOURCE_NOT_FOUND", True)


@pytest.mark.known("client")
def test_a_project_that_is_set_up_has_options_of_its_editor(server: ServedWorld) -> None:
    document = (
        "query($id: ID!){project(where: {id: $id}){ontology{normalized} labelingFrontendOptions(skip: 0 first: 100)"
        "{customizationOptions id labelingFrontend{name}}}}"
    )
    project = ask(server, document, {"id": server.projects["image"]}).data["project"]
    [options] = project["labelingFrontendOptions"]
    assert json.loads(options["customizationOptions"]) == project["ontology"]["normalized"]
    assert options["labelingFrontend"] == {"name": "Editor"}


@pytest.mark.known("client")
def test_a_project_knows_the_datasets_of_its_rows(server: ServedWorld) -> None:
    document = "query($id: ID!){project(where: {id: $id}){datasets(where: {deleted: false} skip: 0 first: 100){name}}}"
    datasets = ask(server, document, {"id": server.projects["text"]}).data["project"]["datasets"]
    assert datasets == [{"name": "text rows"}]


@pytest.mark.known("client")
@pytest.mark.parametrize("first", [1, 4, 9, 100])
def test_a_slice_of_a_model_finds_rows_of_a_run(server: ServedWorld, first: int) -> None:
    document = (  # SDK slice.py 7.17.0
        "query getDataRowIdenfifiersBySavedModelQueryPyApi($id: ID!, $modelRunId: ID, $from: "
        "DataRowIdentifierCursorInput, $first: Int!) {getDataRowIdentifiersBySavedModelQuery(input: {savedQueryId: "
        "$id, modelRunId: $modelRunId, after: $from first: $first}) {totalCount nodes {id globalKey} pageInfo "
        "{endCursor {dataRowId globalKey} hasNextPage}}}"
    )
    ready = server.ready
    variables = {"id": ready["slices"]["street pictures"], "modelRunId": ready["model_runs"]["first training"]}
    rows: list[Any] = []
    cursor = None
    while True:
        answer = ask(server, document, {**variables, "from": cursor, "first": first})
        page = answer.data["getDataRowIdentifiersBySavedModelQuery"]
        rows += page["nodes"]
        cursor = page["pageInfo"]["endCursor"]
        if not cursor:
            break
    assert page["totalCount"] == len(rows) == len({node["id"] for node in rows}) == 9
