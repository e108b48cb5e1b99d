"""Models, model runs and slices, in the documents of the SDK."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import ask
from contract_tests.serving import ServedWorld

GROUPS = (  # SDK model_run.py 7.17.0
    "query modelRunPyApi($modelRunId: ID!, $from : String, $first: Int){annotationGroups(where: {modelRunId: {id: "
    "$modelRunId}}, after: $from, first: $first){nodes{id,labelId,modelRunId,dataSplit,dataRow{id externalId}},"
    "pageInfo{endCursor}}}"
)
IDENTIFIERS = (  # SDK slice.py 7.17.0
    "query getDataRowIdenfifiersBySavedQueryPyApi($id: ID!, $from: String, $first: Int!){"
    "getDataRowIdentifiersBySavedQuery(input: {savedQueryId: $id, after: $from first: $first}){totalCount nodes{id "
    "globalKey} pageInfo {endCursor hasNextPage}}}"
)
IDS = (  # SDK slice.py 3.30.1 to 5.2.1
    "query getDataRowIdsBySavedQueryPyApi($id: ID!, $from: String, $first: Int!){"
    "getDataRowIdsBySavedQuery(input: {savedQueryId: $id, after: $from first: $first}){totalCount nodes pageInfo "
    "{endCursor hasNextPage}}}"
)


@pytest.fixture
def run(server: ServedWorld) -> str:
    return str(server.ready["model_runs"]["first training"])


@pytest.fixture
def pictures(server: ServedWorld) -> str:
    return str(server.ready["slices"]["street pictures"])


def pages(server: ServedWorld, document: str, field: str, first: int, **variables: object) -> list[Any]:
    """All nodes, page by page as the SDK's PaginatedCollection reads: until a cursor is missing or a page is empty."""
    nodes: list[Any] = []
    cursor = None
    while True:
        page = ask(server, document, {**variables, "from": cursor, "first": first}).data[field]
        nodes += page["nodes"]
        cursor = page["pageInfo"]["endCursor"]
        if not cursor or not page["nodes"]:
            return nodes


@pytest.mark.known("client")
@pytest.mark.parametrize("first", [1, 4, 9, 100])
def test_the_rows_of_a_run_come_in_pages_of_any_size(server: ServedWorld, run: str, first: int) -> None:
    groups = pages(server, GROUPS, "annotationGroups", first, modelRunId=run)
    assert len({group["id"] for group in groups}) == len(groups) == 9
    assert [group["dataSplit"] for group in groups].count("TRAINING") == 5
    assert all(group["labelId"] and group["dataRow"]["externalId"] for group in groups)


@pytest.mark.known("client")
@pytest.mark.parametrize("first", [1, 5, 12, 100])
def test_the_rows_of_a_slice_come_in_pages_of_any_size(server: ServedWorld, pictures: str, first: int) -> None:
    nodes = pages(server, IDENTIFIERS, "getDataRowIdentifiersBySavedQuery", first, id=pictures)
    assert len({node["id"] for node in nodes}) == len(nodes) == 12
    assert all(node["globalKey"].startswith("image-") for node in nodes)
    assert pages(server, IDS, "getDataRowIdsBySavedQuery", first, id=pictures) == [node["id"] for node in nodes]


def test_a_page_counts_the_rows_that_the_slice_finds(server: ServedWorld, pictures: str) -> None:
    answer = ask(server, IDENTIFIERS, {"id": pictures, "from": None, "first": 2}).data
    page = answer["getDataRowIdentifiersBySavedQuery"]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (12, True)


@pytest.mark.known("client")
def test_a_slice_contains_its_search(server: ServedWorld, pictures: str) -> None:
    one = "query getSavedQueryPyApi($id: ID!) {getSavedQuery(id: $id){id name description filter createdAt updatedAt}}"
    saved = ask(server, one, {"id": pictures}).data["getSavedQuery"]
    assert saved["filter"] == [{"ids": [server.ready["datasets"]["image rows"]], "operator": "is", "type": "dataset"}]
    assert ask(server, "{catalogSavedQueries{id}}").data == {"catalogSavedQueries": [{"id": pictures}]}


@pytest.mark.known("client")
def test_a_model_knows_its_runs_and_they_know_it(server: ServedWorld, run: str) -> None:
    listed = "{models(skip: 0 first: 100){id name ontologyId modelRuns(skip: 0 first: 100){id modelId createdBy}}}"
    [model] = ask(server, listed).data["models"]
    user = ask(server, "{user{id}}").data["user"]["id"]
    assert model["modelRuns"] == [{"id": run, "modelId": model["id"], "createdBy": user}]
    ontology = ask(server, f'{{ontology(where: {{id: "{model["ontologyId"]}"}}){{name}}}}').data["ontology"]
    assert ontology == {"name": "street-scene"}


@pytest.mark.parametrize(
    "document",
    [
        '{model(where: {id: "nobody"}){id}}',
        '{modelRun(where: {id: "nobody"}){id}}',
        '{getSavedQuery(id: "nobody"){id}}',
        '{getDataRowIdsBySavedQuery(input: {savedQueryId: "nobody"}){nodes}}',
        '{annotationGroups(where: {modelRunId: {id: "nobody"}}){nodes{id}}}',
    ],
)
def test_what_does_not_exist_is_named(server: ServedWorld, document: str) -> None:
    answer = ask(server, document)
    assert answer.code == "RESOURCE_NOT_FOUND"
    assert "'nobody'" in answer.message


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "9" * 40, "１"])
def test_a_cursor_of_somebody_else_is_refused(server: ServedWorld, pictures: str, cursor: str) -> None:
    answer = ask(server, IDENTIFIERS, {"id": pictures, "from": cursor, "first": 2})
    assert answer.code == "BAD_USER_INPUT"
    assert "cursor" in answer.message


@pytest.mark.parametrize("document", ["{annotationGroups{nodes{id}}}", "{modelRun(where: {}){id}}"])
def test_a_question_for_no_run_says_what_is_missing(server: ServedWorld, document: str) -> None:
    assert "Pass where: {id: …}" in ask(server, document).message
