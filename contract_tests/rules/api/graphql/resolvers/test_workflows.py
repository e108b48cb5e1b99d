"""The workflow of a project is replaced, and its task queues, data rows and exports follow."""

import copy
from collections.abc import Iterable
from typing import Any

import pytest

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.graphql.resolvers.test_batches import CREATE, MOVE
from contract_tests.rules.api.uploading import refuse
from mockserver.testing import MockServerError, MockWorkspace

READ = "query($id: ID!) {projectWorkflow(projectId: $id) {projectId config createdAt updatedAt}}"
UPDATE = (
    "mutation UpdateProjectWorkflowPyApi($input: UpdateProjectWorkflowInput!) {updateProjectWorkflow(input: $input)"
    " {projectId config createdAt updatedAt}}"
)
QUEUES = "query($id: ID!) {project(where: {id: $id}) {taskQueues {id name queueType dataRowCount}}}"
CLONE = "mutation($id: ID!) {cloneProject(data: {projectId: $id}) {id}}"
REVIEW = "00000000-0000-4000-8000-00000000000a"


@pytest.fixture
def project(workspace: MockWorkspace) -> str:
    return workspace.project("image")


def read_config(workspace: MockWorkspace, project: str) -> dict[str, Any]:
    config: dict[str, Any] = ask_in(workspace, READ, id=project)["projectWorkflow"]["config"]
    return config


def list_queues(workspace: MockWorkspace, project: str) -> list[dict[str, Any]]:
    queues: list[dict[str, Any]] = ask_in(workspace, QUEUES, id=project)["project"]["taskQueues"]
    return queues


def find_node(config: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(node for node in config["nodes"] if node["definitionId"] == kind)


def update(workspace: MockWorkspace, project: str, config: Any) -> dict[str, Any]:
    answer = ask_in(workspace, UPDATE, input={"projectId": project, "config": config})
    return dict(answer["updateProjectWorkflow"])


@pytest.mark.known("client")
def test_a_workflow_is_kept_as_it_was_sent(workspace: MockWorkspace, project: str) -> None:
    """SDK workflow/workflow.py 7.17.0 `update_config`, which sends nodes and edges with keys of their own."""
    config = read_config(workspace, project)
    find_node(config, "initial_labeling_task")["config"] = [{"field": "instructions", "value": "Begin here"}]
    config["nodes"].append({"id": "gate", "definitionId": "logic", "filters": [{"field": "Sample", "value": 25}]})
    config["edges"].append({"id": "e", "source": find_node(config, "review_task")["id"], "target": "gate"})
    answer = update(workspace, project, config)
    assert answer == ask_in(workspace, READ, id=project)["projectWorkflow"]
    assert answer["config"] == config
    assert answer["updatedAt"] > answer["createdAt"]


@pytest.mark.known("client")
def test_its_nodes_are_the_task_queues_of_the_project(workspace: MockWorkspace, project: str) -> None:
    config, before = read_config(workspace, project), list_queues(workspace, project)
    find_node(config, "review_task")["label"] = "First look"
    config["nodes"].append({"id": REVIEW, "definitionId": "review_task", "label": "Second look"})
    update(workspace, project, config)
    after = {queue["id"]: queue for queue in list_queues(workspace, project)}
    assert {queue["id"] for queue in before} | {REVIEW} == after.keys()
    assert after[REVIEW] == {
        "id": REVIEW, "name": "Second look", "queueType": "MANUAL_REVIEW_QUEUE", "dataRowCount": 0
    }  # fmt: skip
    assert "First look" in {queue["name"] for queue in after.values()}
    assert {queue["id"]: queue["dataRowCount"] for queue in before} == {
        id_: queue["dataRowCount"] for id_, queue in after.items() if id_ != REVIEW
    }


@pytest.mark.parametrize("replaced", [True, False])
def test_data_rows_of_a_queue_that_goes_wait_in_another(workspace: MockWorkspace, project: str, replaced: bool) -> None:
    """In the first one of its type, or else for labels."""
    config, before = read_config(workspace, project), list_queues(workspace, project)
    [review] = [queue for queue in before if queue["queueType"] == "MANUAL_REVIEW_QUEUE"]
    [first] = [queue for queue in before if queue["queueType"] == "INITIAL_LABELING_QUEUE"]
    assert review["dataRowCount"] > 0
    config["edges"] = []
    config["nodes"] = [node for node in config["nodes"] if node["id"] != review["id"]]
    if replaced:
        config["nodes"].append({"id": REVIEW, "definitionId": "review_task"})
    update(workspace, project, config)
    counts = {queue["id"]: queue["dataRowCount"] for queue in list_queues(workspace, project)}
    assert sum(counts.values()) == sum(queue["dataRowCount"] for queue in before)
    heir, had = (REVIEW, 0) if replaced else (first["id"], first["dataRowCount"])
    assert counts[heir] == had + review["dataRowCount"]
    rows = workspace.expected_rows("image", params={"project_details": True})
    statuses = [row["projects"][project]["project_details"]["workflow_status"] for row in rows]
    assert statuses.count("IN_REVIEW") == (review["dataRowCount"] if replaced else 0)


def test_data_rows_of_a_queue_that_changes_its_type_have_the_status_of_the_new_one(
    workspace: MockWorkspace, project: str
) -> None:
    """The change is activity on them, so that an incremental export has them."""
    config, waiting = read_config(workspace, project), read_details(workspace, project, "InReview")
    find_node(config, "review_task")["definitionId"] = "custom_rework_task"
    before = list_moments(workspace, waiting)
    update(workspace, project, config)
    details = read_details(workspace, project, "InRework")
    assert waiting.keys() <= details.keys()
    assert not read_details(workspace, project, "InReview")
    for row, was in waiting.items():
        assert details[row]["task_id"] == was["task_id"]
        assert details[row]["workflow_history"] == was["workflow_history"]
    assert all(moment > before[row] for row, moment in list_moments(workspace, waiting).items())


def list_moments(workspace: MockWorkspace, row_ids: Iterable[str]) -> dict[str, str]:
    """The timestamp of the last activity on each data row."""
    rows = {row["data_row"]["id"]: row for row in workspace.expected_rows("image", params={"data_row_details": True})}
    return {row_id: rows[row_id]["data_row"]["details"]["last_activity_at"] for row_id in row_ids}


def read_details(workspace: MockWorkspace, project: str, status: str) -> dict[str, dict[str, Any]]:
    """The details of the rows of a status, by data row id."""
    rows = workspace.expected_rows("image", params={"project_details": True}, filters={"workflow_status": status})
    return {row["data_row"]["id"]: row["projects"][project]["project_details"] for row in rows}


def test_data_rows_move_between_two_review_queues(workspace: MockWorkspace, project: str) -> None:
    config = read_config(workspace, project)
    config["nodes"].append({"id": REVIEW, "definitionId": "review_task", "label": "Second look"})
    update(workspace, project, config)
    row = next(iter(read_details(workspace, project, "InReview")))
    ask_in(workspace, MOVE, projectId=project, queueId=REVIEW, rows={"ids": [row], "idType": "ID"})
    details = read_details(workspace, project, "InReview")[row]
    assert (details["task_id"], details["task_name"]) == (REVIEW, "Second look")
    step = details["workflow_history"][0]
    assert (step["action"], step["next_task_id"]) == ("Move", REVIEW)


def test_data_rows_of_a_workflow_without_review_are_done_when_they_have_their_labels(
    workspace: MockWorkspace, project: str
) -> None:
    config = read_config(workspace, project)
    config["edges"] = []
    config["nodes"] = [node for node in config["nodes"] if node["definitionId"] != "review_task"]
    update(workspace, project, config)
    row = next(iter(read_details(workspace, project, "ToLabel")))
    workspace.event("LABEL_CREATED", project="image", data_row=row)
    details = read_details(workspace, project, "Done")[row]
    assert (details["task_name"], details["workflow_status"]) == ("Done", "DONE")
    with pytest.raises(MockServerError, match="has no queue for InReview"):
        workspace.event("WORKFLOW_ACTION", project="image", data_row=row)


def test_new_data_rows_wait_for_labels_wherever_that_node_is(workspace: MockWorkspace, project: str) -> None:
    config = read_config(workspace, project)
    config["nodes"].reverse()
    update(workspace, project, config)
    [row] = [row["data_row"]["id"] for row in workspace.expected_rows("text")][:1]
    ask_in(workspace, CREATE, projectId=project, batchInput={"name": "late", "dataRowIds": [row]})
    assert read_details(workspace, project, "ToLabel")[row]["task_name"] == "Initial labeling task"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda config: config.pop("nodes"), "config.nodes is None; expected a list of objects"),
        (lambda config: config.update(edges=[3]), "config.edges is [3]; expected a list of objects"),
        (
            lambda config: config.update(nodes=config["nodes"][1:], edges=[]),
            "0 nodes of the kind 'initial_labeling_task'; expected exactly one",
        ),
        (lambda config: config["nodes"].append(config["nodes"][0]), "as that of a node before"),
        (lambda config: config["nodes"][1].update(definitionId="revew_task"), 'expected one of "review_task"'),
        (lambda config: config["nodes"][1].update(id=" "), "config.nodes[1].id is ' '; expected a text"),
        (lambda config: config["nodes"][1].update(label="x" * 1_001), "label has 1,001 characters; at most 1,000"),
        (lambda config: config["nodes"][1].update(label=3), "config.nodes[1].label is 3; expected a text"),
        (lambda config: config["edges"][0].update(target="?"), "config.edges[0].target is '?'; expected the id"),
        (lambda config: config.update(much="x" * 1_000_001), "at most 1,000,000 are kept"),
    ],
)
def test_another_workflow_is_refused_and_changes_nothing(
    workspace: MockWorkspace, project: str, change: Any, words: str
) -> None:
    before, queues = read_config(workspace, project), list_queues(workspace, project)
    config = copy.deepcopy(before)
    change(config)
    assert words in refuse(workspace, UPDATE, input={"projectId": project, "config": config})
    assert (read_config(workspace, project), list_queues(workspace, project)) == (before, queues)


def test_a_node_cannot_have_the_id_of_another_projects_queue(workspace: MockWorkspace, project: str) -> None:
    other = list_queues(workspace, workspace.project("text"))[0]["id"]
    config = read_config(workspace, project)
    config["nodes"].append({"id": other, "definitionId": "review_task"})
    assert "of another project" in refuse(workspace, UPDATE, input={"projectId": project, "config": config})


def test_a_cloned_project_has_the_workflow_with_queues_of_its_own(workspace: MockWorkspace, project: str) -> None:
    config = read_config(workspace, project)
    config["nodes"].append({"id": REVIEW, "definitionId": "review_task", "label": "Second look"})
    update(workspace, project, config)
    copy = ask_in(workspace, CLONE, id=project)["cloneProject"]["id"]
    cloned = read_config(workspace, copy)
    assert [node | {"id": ""} for node in cloned["nodes"]] == [node | {"id": ""} for node in config["nodes"]]
    queues, own = list_queues(workspace, project), list_queues(workspace, copy)
    assert [queue["name"] for queue in own] == [queue["name"] for queue in queues]
    assert not {queue["id"] for queue in own} & {queue["id"] for queue in queues}
    update(workspace, copy, cloned)
    assert list_queues(workspace, copy) == own


def test_routes_that_no_sdk_sends_are_refused(workspace: MockWorkspace, project: str) -> None:
    config = read_config(workspace, project)
    routes = {"projectId": project, "config": config, "routeDataRows": [{"from": "a", "to": "b"}]}
    assert "routeDataRows was sent" in refuse(workspace, UPDATE, input=routes)
