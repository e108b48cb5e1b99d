"""Questions for one thing and for many: filters, pages, cursors (wire.md §2)."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import ask
from contract_tests.serving import ServedWorld


@pytest.mark.known("client")
@pytest.mark.parametrize("field", ["project", "dataset", "dataRow", "ontology", "label", "user"])
def test_an_id_nobody_has_is_not_found_and_named(server: ServedWorld, field: str) -> None:
    answer = ask(server, f"query($id: ID!){{{field}(where: {{id: $id}}){{id}}}}", {"id": "nobody"})
    assert (answer.status, answer.code, "'nobody'" in answer.message) == (200, "RESOURCE_NOT_FOUND", True)


@pytest.mark.parametrize("field", ["project", "dataset", "dataRow", "ontology", "label"])
@pytest.mark.parametrize("where", ["{}", "{id: null}"])
def test_a_question_for_one_thing_without_its_id_is_not_answered_with_another(
    server: ServedWorld, field: str, where: str
) -> None:
    """A client that lost its id must not get somebody's first project."""
    assert ask(server, f"{{{field}(where: {where}){{id}}}}").code in {"RESOURCE_NOT_FOUND", "BAD_USER_INPUT"}


@pytest.mark.known("client")
@pytest.mark.parametrize(
    ("where", "names"),
    [
        ('{name: "image"}', ["image"]),
        ('{name_not: "image"}', ["text"]),
        ('{AND: [{AND: [{name: "image"}, {deleted: false}]}, {deleted: false}]}', ["image"]),
        ('{OR: [{name: "image"}, {name: "nobody"}]}', ["image"]),
        ('{NOT: [{name: "image"}]}', ["text"]),
        ('{NOT: [{name: "image"}, {name: "text"}]}', []),
        ('{AND: [{name: "image"}, {name: "text"}]}', []),
        ("{AND: []}", ["image", "text"]),
        ('{createdAt_gt: "2030-01-01T00:00:00Z"}', []),
        ('{createdAt_lte: "2030-01-01"}', ["image", "text"]),
        ("{deleted: true}", []),
    ],
)
def test_projects_are_searched_as_the_sdk_asks(server: ServedWorld, where: str, names: list[str]) -> None:
    """Only the generated ones: other tests may have made more."""
    projects = ask(server, f"{{projects(where: {where}){{name}}}}").data["projects"]
    assert [item["name"] for item in projects if item["name"] in {"image", "text"}] == names


UNFIT = {
    "a dataset's name": '{dataRow(where: {dataset: {name: "nobody"}}){id}}',
    "a label's maker by mail": '{projects{labels(where: {createdBy: {email: "nobody"}}){id}}}',
    "a label's row by key": '{projects{labels(where: {dataRow: {globalKey: "nobody"}}){id}}}',
    "a label's row below AND": "{projects{labels(where: {AND: [{dataRow: {dataset: {id_in: []}}}]}){id}}}",
}


@pytest.mark.parametrize("document", UNFIT.values(), ids=list(UNFIT))
def test_a_filter_that_the_schema_takes_is_heeded_or_refused(server: ServedWorld, document: str) -> None:
    """No label matches these: an answer with every label means that the filter was ignored."""
    answer = ask(server, document).json
    if "errors" in answer:
        assert answer["errors"][0]["extensions"]["code"] in {"RESOURCE_NOT_FOUND", "BAD_USER_INPUT"}
    else:
        assert [project["labels"] for project in answer["data"]["projects"]] == [[]] * len(answer["data"]["projects"])


@pytest.mark.known("client")
@pytest.mark.parametrize("size", [1, 3, 5, 12, 100])
def test_pages_by_skip_are_the_whole_without_gap_or_repeat(server: ServedWorld, size: int) -> None:
    document = (
        "query($id: ID!, $skip: Int, $first: Int){dataset(where: {id: $id}){dataRows(skip: $skip, first: $first){id}}}"
    )

    def page(skip: int | None, first: int | None) -> list[str]:
        variables = {"id": server.ready["datasets"]["image rows"], "skip": skip, "first": first}
        return [row["id"] for row in ask(server, document, variables).data["dataset"]["dataRows"]]

    whole = page(0, None)
    assert [row for start in range(0, len(whole) + size, size) for row in page(start, size)] == whole
    assert len(whole) == 12


@pytest.mark.known("client")
@pytest.mark.parametrize("size", [1, 5, 11, 12, 13, 500])
def test_cursor_pages_run_newest_first_and_end(server: ServedWorld, size: int) -> None:
    """`startCursor` is the start of the next page; the SDK stops when it is null (wire trap 16)."""
    document = (
        "query($id: ID!, $from: ID, $first: Int){datasetDataRows(id: $id, from: $from, first: $first)"
        "{nodes{id createdAt} pageInfo{startCursor}}}"
    )
    seen: list[Any] = []
    cursor, pages = None, 0
    while cursor is not None or not seen:
        variables = {"id": server.ready["datasets"]["image rows"], "from": cursor, "first": size}
        answer = ask(server, document, variables).data["datasetDataRows"]
        seen, cursor, pages = seen + answer["nodes"], answer["pageInfo"]["startCursor"], pages + 1
    assert (len({row["id"] for row in seen}), pages) == (12, -(-12 // size))
    assert [row["createdAt"] for row in seen] == sorted((row["createdAt"] for row in seen), reverse=True)


@pytest.mark.known("client")
def test_a_page_begins_after_the_data_row_of_its_cursor(server: ServedWorld) -> None:
    document = "query($id: ID!, $from: ID){datasetDataRows(id: $id, from: $from, first: 100){nodes{id}}}"
    dataset = server.ready["datasets"]["image rows"]
    every = ask(server, document, {"id": dataset}).data["datasetDataRows"]["nodes"]
    for number, row in enumerate(every):
        page = ask(server, document, {"id": dataset, "from": row["id"]}).data["datasetDataRows"]["nodes"]
        assert page == every[number + 1 :]


@pytest.mark.known("client")
def test_labels_of_a_project_are_newest_first_unless_another_order_is_asked(server: ServedWorld) -> None:
    def labels(order: str = "") -> list[tuple[str, str]]:
        document = f"query($id: ID!){{project(where: {{id: $id}}){{labels{order}{{id createdAt}}}}}}"
        nodes = ask(server, document, {"id": server.projects["image"]}).data["project"]["labels"]
        return [(label["createdAt"], label["id"]) for label in nodes]

    newest_first = labels()
    moments = [moment for moment, _ in newest_first]
    assert moments == sorted(moments, reverse=True)
    assert moments[0] > moments[-1]
    assert labels("(orderBy: createdAt_ASC)") == newest_first[::-1]
    assert labels("(orderBy: createdAt_DESC)") == newest_first


@pytest.mark.known("inferred")
@pytest.mark.parametrize(
    "field",
    ["id", "createdAt", "updatedAt", "secondsToLabel", "agreement", "benchmarkAgreement", "isBenchmarkReference"],
)
def test_labels_are_sorted_by_any_field(server: ServedWorld, field: str) -> None:
    document = f"query($id: ID!){{project(where: {{id: $id}}){{labels(orderBy: {field}_%s){{id {field}}}}}}}"

    def labels(way: str) -> list[Any]:
        nodes: list[Any] = ask(server, document % way, {"id": server.projects["image"]}).data["project"]["labels"]
        return nodes

    rising, falling = labels("ASC"), labels("DESC")
    assert rising == falling[::-1]
    values = [label[field] for label in rising if label[field] is not None]
    assert values == sorted(values)


@pytest.mark.known("client")
def test_a_dataset_without_a_description_has_an_empty_one(server: ServedWorld) -> None:
    datasets = ask(server, "{datasets{description}}").data["datasets"]
    assert datasets
    assert all(isinstance(dataset["description"], str) for dataset in datasets)
    searched = ask(server, '{datasets(where: {description: ""}){description}}').data["datasets"]
    assert searched == [dataset for dataset in datasets if dataset["description"] == ""] != []


@pytest.mark.known("client")
def test_known_and_unknown_global_keys_are_distinguished(server: ServedWorld) -> None:
    dataset = {"id": server.ready["datasets"]["text rows"]}
    rows = "query($id: ID!){datasetDataRows(id: $id, first: 1){nodes{id globalKey}}}"
    [row] = ask(server, rows, dataset).data["datasetDataRows"]["nodes"]
    start = "query($keys: [ID!]){dataRowsForGlobalKeys(where: {ids: $keys}){jobId}}"
    job = ask(server, start, {"keys": [row["globalKey"], "nobody"]}).data["dataRowsForGlobalKeys"]["jobId"]
    result = ask(server, JOB_RESULT, {"id": job}).data["dataRowsForGlobalKeysResult"]
    assert result["jobStatus"] == "COMPLETE"
    assert result["data"] == {"fetchedDataRows": [{"id": row["id"]}, {"id": ""}], "notFoundGlobalKeys": ["nobody"]}


JOB_RESULT = (
    "query($id: ID!){dataRowsForGlobalKeysResult(jobId: {id: $id})"
    "{jobStatus data{fetchedDataRows{id} notFoundGlobalKeys}}}"
)


@pytest.mark.parametrize("job", ["", "nobody", "31", "7b7d", "ff", "5b315d", "é", "0" * 10_000])
def test_a_job_nobody_started_is_not_found(server: ServedWorld, job: str) -> None:
    answer = ask(server, JOB_RESULT, {"id": job})
    assert answer.json.get("data") is not None or answer.code == "RESOURCE_NOT_FOUND"


def test_twenty_thousand_ids_are_looked_up_together(server: ServedWorld) -> None:
    document = "query($ids: [String!]!){externalIdsToDataRowIds(externalId_in: $ids){dataRowId}}"
    before = server.processor_seconds()
    assert ask(server, document, {"ids": [f"file-{number}.png" for number in range(20_000)]}).data
    assert server.processor_seconds() - before < 10.0


@pytest.mark.parametrize("word", ["street", "STREET", "eet-sc", "%", "_", "!", "'", "\\", ""])
def test_ontologies_are_found_by_a_literal_part_of_their_name(server: ServedWorld, word: str) -> None:
    answer = ask(server, "query($word: String){ontologies(where: {search: $word}){nodes{name}}}", {"word": word}).data
    every = ask(server, "{ontologies{nodes{name}}}").data["ontologies"]["nodes"]
    assert {"news-text", "street-scene"} <= {node["name"] for node in every}
    assert answer["ontologies"]["nodes"] == [node for node in every if word.lower() in node["name"]]
