"""Labeling services of projects: records with a status, and dashboards of them."""

import json
from typing import Any

import pytest

from contract_tests.rules.api.asking import answer_in, ask_in
from contract_tests.rules.api.uploading import refuse
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace

START = (
    "mutation CreateProjectBoostWorkforcePyApi($projectId: ID!)"
    " {upsertProjectBoostWorkforce(data: { projectId: $projectId }) {success}}"
)
READ = (
    "query GetProjectBoostWorkforcePyApi($projectId: ID!) {projectBoostWorkforce(data: { projectId: $projectId })"
    " {id projectId createdAt updatedAt createdById status}}"
)
REQUEST = (
    "mutation ValidateAndRequestProjectBoostWorkforcePyApi($projectId: ID!)"
    " {validateAndRequestProjectBoostWorkforce(data: { projectId: $projectId }) {success}}"
)
SELECTED = (
    "id name boostRequestedAt boostUpdatedAt boostRequestedBy boostStatus dataRowsCount dataRowsDoneCount"
    " dataRowsInReviewCount dataRowsInReworkCount tasksTotalCount tasksCompletedCount tasksRemainingCount mediaType"
    " editorTaskType tags {id text color type}"
)
DASHBOARD = f"query GetProjectByIdPyApi($id: ID!) {{getProjectById(input: {{id: $id}}) {{{SELECTED}}}}}"
INSTRUCT = (
    "mutation($id: ID!) {setProjectInstructions(where: {id: $id}, data: {instructionsUrl: "
    '"https://example.com/a.pdf"}) {id}}'
)


def search(workspace: MockWorkspace, filters: str | None = None, **variables: Any) -> Any:
    """A page of dashboards; filters are written into the document, as SDKs do."""
    literal = "" if filters is None else f"searchQuery: {filters}, "
    document = (
        f"query SearchProjectsPyApi($first: Int, $from: String) {{searchProjects(input: {{after: $from, {literal}"
        f"size: $first}}) {{nodes {{ {SELECTED} }} pageInfo {{ endCursor }}}}}}"
    )
    return ask_in(workspace, document, **variables)["searchProjects"]


@pytest.mark.known("client")
def test_a_service_is_set_up_and_requested(workspace: MockWorkspace) -> None:
    """SDK labeling_service.py, tests test_labeling_service.py 7.17.0."""
    project = workspace.project("image")
    assert ask_in(workspace, READ, projectId=project) == {"projectBoostWorkforce": None}
    dashboard = ask_in(workspace, DASHBOARD, id=project)["getProjectById"]
    assert (dashboard["boostStatus"], dashboard["dataRowsCount"], dashboard["name"]) == (None, 0, "image")
    for _ in range(2):
        assert ask_in(workspace, START, projectId=project)["upsertProjectBoostWorkforce"] == {"success": True}
    service = ask_in(workspace, READ, projectId=project)["projectBoostWorkforce"]
    assert (service["projectId"], service["status"]) == (project, "SET_UP")
    assert "instructions are not completed" in refuse(workspace, REQUEST, projectId=project)
    ask_in(workspace, INSTRUCT, id=project)
    ask_in(workspace, REQUEST, projectId=project)
    again = ask_in(workspace, READ, projectId=project)["projectBoostWorkforce"]
    assert (again["id"], again["status"]) == (service["id"], "REQUESTED")
    assert again["updatedAt"] >= service["updatedAt"]


@pytest.mark.known("client")
def test_a_request_names_all_that_is_missing(workspace: MockWorkspace) -> None:
    """SDK labeling_service.py `_raise_readable_errors`, which reads `errors` of the error."""
    document = 'mutation {createProject(data: {name: "bare", allowedMediaType: IMAGE}) {id}}'
    project = ask_in(workspace, document)["createProject"]["id"]
    assert "The labeling service of project" in refuse(workspace, REQUEST, projectId=project)
    ask_in(workspace, START, projectId=project)
    [error] = answer_in(workspace, REQUEST, projectId=project)["errors"]
    assert error["message"] == "Associated ontology id could not be found"
    assert error["extensions"]["code"] == "RESOURCE_NOT_FOUND"
    read = "query($id: ID!) {project(where: {id: $id}) {ontology {id}}}"
    ontology = ask_in(workspace, read, id=workspace.project("image"))["project"]["ontology"]["id"]
    connect = (
        "mutation($id: ID!, $ontology: ID!) {project(where: {id: $id}) {connectOntology(ontologyId: $ontology) {id}}}"
    )
    ask_in(workspace, connect, id=project, ontology=ontology)
    [error] = answer_in(workspace, REQUEST, projectId=project)["errors"]
    assert error["extensions"]["code"] == "MALFORMED_REQUEST"
    assert [item["errorType"] for item in error["errors"]] == ["PROJECT_INSTRUCTIONS", "PROJECT_DATA_ROWS"]
    assert all(item["error"] == item["errorMessage"] for item in error["errors"])
    chat = workspace.project("chat")
    ask_in(workspace, START, projectId=chat)
    [error] = answer_in(workspace, REQUEST, projectId=chat)["errors"]
    assert "PROJECT_MODEL_CONFIG" in [item["errorType"] for item in error["errors"]]


@pytest.mark.known("client")
@pytest.mark.parametrize(("date", "code"), [("2024-09-16", "BAD_USER_INPUT"), ("2024-09-27", "MALFORMED_REQUEST")])
def test_until_5_0_a_request_that_lacks_something_is_an_error_of_a_code_that_sdks_do_not_know(
    server: ServedWorld, date: str, code: str
) -> None:
    """test_labeling_service.py test_request_labeling_service_incomplete_requirements: LabelboxError in 3.78.2 to 5.0.0,
    MalformedQueryException in 5.1.0 and 5.2.1; the list as the message: test_request_labeling_service_moe_project."""
    workspace = server.workspace(payload_date=date)
    project = workspace.project("chat")
    ask_in(workspace, START, projectId=project)
    [error] = answer_in(workspace, REQUEST, projectId=project)["errors"]
    assert error["extensions"]["code"] == code
    item = {"errorType": "PROJECT_MODEL_CONFIG", "errorMessage": "Project model config is not completed"}
    if code == "BAD_USER_INPUT":
        assert item in json.loads(error["message"])
    else:
        assert item | {"error": item["errorMessage"]} in error["errors"]


@pytest.mark.known("client")
def test_a_dashboard_counts_data_rows_and_tasks(workspace: MockWorkspace) -> None:
    """SDK labeling_service_dashboard.py 7.17.0."""
    project = workspace.project("image")
    ask_in(workspace, START, projectId=project)
    dashboard = ask_in(workspace, DASHBOARD, id=project)["getProjectById"]
    rows = workspace.expected_rows("image", params={"project_details": True})
    statuses = [row["projects"][project]["project_details"]["workflow_status"] for row in rows]
    assert dashboard["dataRowsCount"] == len(rows)
    for key, status in (("Done", "DONE"), ("InReview", "IN_REVIEW"), ("InRework", "IN_REWORK")):
        assert dashboard[f"dataRows{key}Count"] == statuses.count(status)
    assert dashboard["tasksTotalCount"] == dashboard["tasksCompletedCount"] + dashboard["tasksRemainingCount"]
    assert 0 < dashboard["tasksTotalCount"] <= len(rows)
    assert (dashboard["name"], dashboard["mediaType"], dashboard["boostStatus"]) == ("image", "IMAGE", "SET_UP")
    assert {tag["text"] for tag in dashboard["tags"]} == {tag["text"] for tag in list_tags(workspace, project)}


def list_tags(workspace: MockWorkspace, project: str) -> list[dict[str, Any]]:
    document = "query($id: ID!) {project(where: {id: $id}) {resourceTags {text}}}"
    return list(ask_in(workspace, document, id=project)["project"]["resourceTags"])


@pytest.mark.known("client")
def test_dashboards_are_paged_and_filtered(workspace: MockWorkspace) -> None:
    """SDK search_filters.py, tests test_labeling_dashboard.py 7.17.0."""
    for name in ("image", "text", "video"):
        ask_in(workspace, START, projectId=workspace.project(name))
    seen, cursor = [], None
    while True:
        page = search(workspace, first=2, **{"from": cursor} if cursor else {})
        seen += [node["name"] for node in page["nodes"]]
        cursor = page["pageInfo"]["endCursor"]
        if cursor is None:
            break
    projects = ask_in(workspace, "{projects {name}}")["projects"]
    assert seen == [item["name"] for item in projects], "all projects, the oldest first"
    everything = len(projects)
    organization = ask_in(workspace, "{organization {id}}")["organization"]["id"]
    between = '{operator: "BETWEEN", value: {min: "2000-01-01T08:00:00Z", max: "2100-01-01T00:00:00+0000"}}'
    after = '{operator: "GREATER_THAN_OR_EQUAL", value: "2100-01-01T00:00:00Z"}'
    for filters, count in (
        (f'[{{type: "organization_id", operator: "is", values: ["{organization}"]}}]', everything),
        ('[{type: "workspace", operator: "is", values: ["clzzu4rme000008l42vnl4kre"]}]', 0),
        (f'[{{type: "workforce_requested_at", value: {between}}}]', 3),
        (f'[{{type: "workforce_stage_updated_at", value: {after}}}]', 0),
        ('[{type: "task_completed_count", value: {operator: "GREATER_THAN_OR_EQUAL", value: 0}}]', everything),
        ('[{type: "task_remaining_count", value: {operator: "EQUALS", value: 100000}}]', 0),
        ('[{type: "stage", operator: "is", values: ["SET_UP"]}]', 3),
        ('[{type: "stage", operator: "is", values: ["REQUESTED"]}]', 0),
        ('[{type: "tag", operator: "is", values: ["nothing"]}]', 0),
    ):
        assert len(search(workspace, filters, first=100)["nodes"]) == count, filters


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ('[{type: "stages", values: []}]', 'expected one of "stage"'),
        ('[{type: "stage"}]', "is not as SDKs send it"),
        ('[{type: "workforce_requested_at", value: {operator: "BETWEEN", value: 4}}]', "is not as SDKs send it"),
        ('[{type: "task_completed_count", value: {operator: "MORE", value: 4}}]', "is not as SDKs send it"),
        ('[{type: "tag", values: [{a: 1}]}]', "is not as SDKs send it"),
        ('[{type: "task_completed_count", value: {operator: "EQUALS", value: "nan"}}]', "is not as SDKs send it"),
        (
            '[{type: "workforce_requested_at", value: {operator: "EQUALS", value: "tomorrow"}}]',
            "is not as SDKs send it",
        ),
        (
            '[{type: "workforce_requested_at", value: {operator: "EQUALS", value: "0001-01-01T00:00:00+23:59"}}]',
            "is not as SDKs send it",
        ),
    ],
)
def test_wrong_filters_are_refused(workspace: MockWorkspace, filters: str, words: str) -> None:
    document = f"{{searchProjects(input: {{searchQuery: {filters}}}) {{nodes {{id}}}}}}"
    assert words in refuse(workspace, document)
