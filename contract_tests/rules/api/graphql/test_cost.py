"""Limits on the cost of an answer, since short documents can read whole worlds."""

from pathlib import Path

import pytest
import requests
from graphql import parse

from contract_tests.clients import documents
from contract_tests.rules.api.asking import answer_in, ask
from contract_tests.rules.api.graphql.engines import ENGINE
from contract_tests.rules.worlds import many_boxes
from contract_tests.serving import ServedWorld
from mockserver.api.graphql.cost import MOST_COST, cost_of


def nest(levels: int) -> str:
    return "{projects" + "{labels{project" * levels + "{id}" + "}}" * levels + "}"


def chain(fragments: int) -> str:
    parts = [f"fragment f{n} on Project {{labels{{project{{...f{n + 1}}}}}}}" for n in range(fragments)]
    return " ".join(["{projects{...f0}}", *parts, f"fragment f{fragments} on Project {{id}}"])


@pytest.mark.known("client")
@pytest.mark.parametrize("document", [nest(8), chain(8)], ids=["nested", "by fragments"])
def test_a_short_document_that_would_read_the_world_many_times_is_refused_soon(
    server: ServedWorld, document: str
) -> None:
    """The service's words, which the SDK knows: ValidationFailedError."""
    before = server.processor_seconds()
    error = ask(server, document).error
    assert error["message"] == "Query complexity limit exceeded"
    assert "lists within lists" in error["extensions"]["reason"]
    assert server.processor_seconds() - before < 10
    assert requests.get(f"{server.url}/_mock/health", timeout=60).ok


LISTS_IN_LISTS = (
    "{projects {datasets {dataRows {labels {id}}}}}",
    "{datasets {dataRows {labels {reviews {id}}}}}",
    "{organization {projects {labels {dataRow {labels {reviews {score}}}}}}}",
    "{projects {a: datasets {...R} b: datasets {...R}}} fragment R on Dataset {dataRows {labels {id}}}",
    "{datasets(first: 1) {dataRows(first: 1) {labels(first: 1) {reviews(first: 1) {id}}}}}",
)


@pytest.mark.known("client")
@pytest.mark.parametrize("document", LISTS_IN_LISTS)
def test_lists_four_deep_are_refused_before_anything_is_read(server: ServedWorld, document: str) -> None:
    """SDK tests test_client_errors.py: the first of these is refused in exactly these words."""
    error = ask(server, document).error
    assert (error["message"], error["extensions"]["code"]) == (
        "Query complexity limit exceeded",
        "GRAPHQL_VALIDATION_FAILED",
    )


def test_a_document_that_reads_more_than_any_page_is_refused(tmp_path: Path) -> None:
    """Its text costs little; how much it reads shows only while it is answered."""
    with ServedWorld("--scenario", str(many_boxes(tmp_path, labelled=300))) as own:
        answer = answer_in(own.own, "{projects {labels {project {labels {id}}}}}")
    [error] = answer["errors"]
    assert error["message"] == "Query complexity limit exceeded"
    assert "20000 records" in error["extensions"]["reason"]


def test_a_change_whose_answer_reads_too_much_is_refused_also_behind_one_that_is_waited_for(tmp_path: Path) -> None:
    names = " ".join(f"a{number}: labels {{id}}" for number in range(80))
    with ServedWorld("--scenario", str(many_boxes(tmp_path, labelled=300))) as own:
        project = own.projects["many"]
        [ontology] = own.ask("{ontologies {nodes {id}}}")["ontologies"]["nodes"]
        document = (
            f'mutation {{exportLabels(data: {{projectId: "{project}"}}) {{status}}'
            f' project(where: {{id: "{project}"}}) {{connectOntology(ontologyId: "{ontology["id"]}") {{{names}}}}}}}'
        )
        answer = answer_in(own.own, document)
        assert "Traceback" not in own.output
    assert [error["message"] for error in answer["errors"]] == ["Query complexity limit exceeded"]


def test_an_answer_of_more_fields_than_any_page_has_is_refused(tmp_path: Path) -> None:
    names = " ".join(f"a{number}: id" for number in range(80))
    with ServedWorld("--scenario", str(many_boxes(tmp_path, labelled=3_000))) as own:
        answer = answer_in(own.own, f"{{projects {{labels {{{names}}}}}}}")
    [error] = answer["errors"]
    assert error["message"] == "Query complexity limit exceeded"
    assert "200000 fields" in error["extensions"]["reason"]


def test_introspection_answers_no_more_than_tools_query(server: ServedWorld) -> None:
    """graphql-core answers it, far slower than what has a plan."""
    types = "types {name description fields {name description isDeprecated args {name} type {name}}}"
    many = " ".join(f"a{number}: __schema {{{types}}}" for number in range(50))
    assert ask(server, f"{{{many}}}").message == "Query complexity limit exceeded"


OF_SDKS = {name: text for name, text in vars(documents).items() if isinstance(text, str) and text[:3] in {"que", "mut"}}


@pytest.mark.parametrize("document", OF_SDKS.values(), ids=list(OF_SDKS))
def test_what_sdks_send_costs_little(document: str) -> None:
    assert cost_of(ENGINE.schema, parse(document)).objects * 20 < MOST_COST


def test_what_sdks_nest_is_answered(server: ServedWorld) -> None:
    assert ask(server, nest(1)).data


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
