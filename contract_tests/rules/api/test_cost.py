"""What an answer may cost: documents are short, worlds are not."""

import time

import pytest
import requests

from contract_tests.rules.api.asking import ask
from contract_tests.serving import ServedWorld


def nested(levels: int) -> str:
    return "{projects" + "{labels{project" * levels + "{id}" + "}}" * levels + "}"


def chained(fragments: int) -> str:
    parts = [f"fragment f{n} on Project {{labels{{project{{...f{n + 1}}}}}}}" for n in range(fragments)]
    return " ".join(["{projects{...f0}}", *parts, f"fragment f{fragments} on Project {{id}}"])


@pytest.mark.known("client")
@pytest.mark.parametrize("document", [nested(8), chained(8)], ids=["nested", "by fragments"])
def test_a_short_document_that_would_read_the_world_many_times_is_refused_soon(
    server: ServedWorld, document: str
) -> None:
    """The service's words, which the SDK knows: ValidationFailedError."""
    started = time.monotonic()
    error = ask(server, document).error
    assert error["message"] == "Query complexity limit exceeded"
    assert "50000 records" in error["extensions"]["reason"]
    assert time.monotonic() - started < 10
    assert requests.get(f"{server.url}/_mock/health", timeout=5).ok


def test_what_sdks_nest_is_answered(server: ServedWorld) -> None:
    assert ask(server, nested(1)).data


@pytest.mark.known("client")
def test_the_overview_of_a_project_has_all_that_the_sdk_reads(server: ServedWorld) -> None:
    document = (  # 7.17.0
        "query ProjectGetOverviewPyApi($projectId: ID!, $batchIds: [String!], $countInput: DataRowCountQueryInput,"
        " $includeIssues: Boolean!) {project(where: {id: $projectId}) {workstreamStateCounts(batchIds: $batchIds)"
        " {state count} taskQueues {queueType name dataRowCount(input: $countInput)}"
        " issues @include(if: $includeIssues) {totalCount} completedDataRowCount}}"
    )
    variables = {"projectId": server.projects["image"], "includeIssues": True}
    whole = ask(server, document, variables).data["project"]
    assert whole["issues"] == {"totalCount": 0}
    assert [queue["dataRowCount"] for queue in whole["taskQueues"]] == [2, 2, 2]
    term = {"ids": ["no-batch"], "operator": "is", "type": "batch"}
    narrowed = variables | {"batchIds": ["no-batch"], "countInput": {"searchQuery": {"query": [term]}}}
    none = ask(server, document, narrowed).data["project"]
    assert [queue["dataRowCount"] for queue in none["taskQueues"]] == [0, 0, 0]


def test_counts_leave_out_what_was_deleted() -> None:
    with ServedWorld() as own:
        counts = "{projects{name dataRowCount labelCount lastActivityTime} datasets{name rowCount}}"
        before = own.ask(counts)
        rows = own.ask("{datasets{name dataRows(first: 2){id}}}")["datasets"]
        gone = [row["id"] for dataset in rows for row in dataset["dataRows"]]
        own.ask("mutation($ids: [ID!]!){deleteDataRows(where: {dataRowIds: $ids}){id}}", ids=gone)
        after = own.ask(counts)
    for field in ("dataRowCount", "labelCount"):
        assert [item[field] - 2 for item in before["projects"]] == [item[field] for item in after["projects"]]
    assert [item["rowCount"] - 2 for item in before["datasets"]] == [item["rowCount"] for item in after["datasets"]]
    assert all(item["lastActivityTime"] for item in after["projects"])
