"""Data rows follow the edges of the workflow that a client set, as labels and reviews are made."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.graphql.resolvers.test_workflows import find_node, read_config, update
from mockserver.testing import MockWorkspace

SECOND, CUSTOM, GATE = (f"00000000-0000-4000-8000-00000000000{number}" for number in "abc")
USERS = "{user {id} users {id}}"
IMPOSSIBLE = {"field": "NlSearch", "operator": "is", "value": "cars", "metadata": {}}


def sample(share: float, operator: str = "is") -> dict[str, Any]:
    """SDK workflow/filter_converters.py 7.17.0, as `sample` and the other conditions below are sent."""
    return {"field": "Sample", "value": f"{share:.0%}", "operator": operator, "metadata": share}


def condition(field: str, metadata: Any) -> dict[str, Any]:
    return {"field": field, "operator": "is", "metadata": metadata}


NO_FIELD = {"schemaId": "nothing", "value": {"values": ["a"], "operator": "contains"}}


class Project:
    """A project with another workflow, and the way of one of its rows."""

    def __init__(self, workspace: MockWorkspace) -> None:
        self.workspace, self.id = workspace, workspace.project("image")
        self.config = read_config(workspace, self.id)
        self.label, self.review, self.rework = (
            find_node(self.config, kind)["id"]
            for kind in ("initial_labeling_task", "review_task", "initial_rework_task")
        )
        self.done, self.reject = (find_node(self.config, kind)["id"] for kind in ("done", "send_to_rework"))
        [self.row, *_] = self.list_rows("ToLabel")

    def set(self, nodes: list[dict[str, Any]], *edges: tuple[str, str, str]) -> None:
        self.config["nodes"] += nodes
        self.config["edges"] = [
            {
                "id": f"{source}{output}",
                "source": source,
                "target": target,
                "sourceHandle": output,
                "targetHandle": "in",
            }
            for source, output, target in edges
        ]
        update(self.workspace, self.id, self.config)

    def list_rows(self, status: str) -> list[str]:
        rows = self.workspace.expected_rows("image", filters={"workflow_status": status})
        return [row["data_row"]["id"] for row in rows]

    def event(self, kind: str, **choices: Any) -> dict[str, Any]:
        return self.workspace.event(kind, "image", data_row=self.row, **choices)

    def label_row(self) -> None:
        """Makes all labels that the row waits for."""
        while self.row in self.list_rows("ToLabel"):
            self.event("LABEL_CREATED")

    @property
    def place(self) -> str | None:
        """The queue in which the row is; None for Done."""
        rows = self.workspace.expected_rows("image", params={"project_details": True}, data_rows=None)
        [details] = [row["projects"][self.id]["project_details"] for row in rows if row["data_row"]["id"] == self.row]
        return None if details["workflow_status"] == "DONE" else str(details["task_id"])


@pytest.fixture
def project(workspace: MockWorkspace) -> Project:
    return Project(workspace)


@pytest.mark.known("client")
def test_a_row_goes_through_two_reviews_and_back_from_rework(project: Project) -> None:
    """SDK workflow/nodes: labelled by `if`, approved by `if`, rejected by `else`, corrected by `if`."""
    project.set(
        [
            {"id": SECOND, "definitionId": "review_task", "label": "Second look"},
            {"id": CUSTOM, "definitionId": "custom_rework_task", "label": "By its author"},
        ],
        (project.label, "if", project.review), (project.review, "if", SECOND), (project.review, "else", project.reject),
        (SECOND, "if", project.done), (SECOND, "else", CUSTOM), (CUSTOM, "if", SECOND), (project.rework, "if", SECOND),
    )  # fmt: skip
    project.label_row()
    assert project.place == project.review
    project.event("REVIEW_CREATED", score=1)
    assert project.place == SECOND
    project.event("REVIEW_CREATED", score=-1)
    assert project.place == CUSTOM
    project.event("LABEL_UPDATED")
    assert project.place == SECOND
    project.event("REVIEW_CREATED", score=1)
    assert project.place is None


@pytest.mark.known("client")
def test_a_row_that_is_rejected_goes_to_the_first_rework(project: Project) -> None:
    project.set([], (project.label, "if", project.review), (project.review, "else", project.reject))
    project.label_row()
    project.event("REVIEW_CREATED", score=-1)
    assert project.place == project.rework


@pytest.mark.known("client")
def test_a_review_without_an_edge_sends_a_row_where_a_new_project_does(project: Project) -> None:
    project.set([], (project.label, "if", project.review))
    project.label_row()
    project.event("REVIEW_CREATED", score=1)
    assert project.place is None


@pytest.mark.known("client")
@pytest.mark.parametrize(
    ("conditions", "logic", "holds"),
    [
        ([], "and", True),
        ([], "or", False),
        ([sample(1.0)], "and", True),
        ([sample(0.0)], "and", False),
        ([sample(1.0), IMPOSSIBLE], "and", False),
        ([sample(1.0), IMPOSSIBLE], "or", True),
        ([sample(1.0, "is_not")], "and", False),
        ([condition("LabelingTime", {"time_gte": 1})], "and", True),
        ([condition("LabelingTime", {"time_range_inclusive": [9_000, 9_001]})], "and", False),
        ([condition("ReviewTime", {"time_lte": 0})], "and", True),
        ([condition("LabeledAt", ["2020-01-01T00:00:00.000Z", "2099-01-01T00:00:00.000Z"])], "and", True),
        ([condition("LabeledAt", ["2020-01-01T00:00:00.000Z", "2021-01-01T00:00:00.000Z"])], "and", False),
        ([condition("Annotation", [{"schemaNodeId": "nothing"}])], "and", False),
        ([condition("Batch", {"filter": {"ids": ["nothing"]}})], "and", False),
        ([condition("Metadata", {"filters": [{"field": NO_FIELD}]})], "and", False),
        ([condition("Sample", "everything"), 7, {"field": ["Sample"]}], "or", False),
        ([condition("LabeledAt", ["0001-01-01T00:00:00+23:59", 7])], "and", False),
        (7, "and", False),
    ],
)
def test_conditions_choose_the_way(project: Project, conditions: Any, logic: str, holds: bool) -> None:
    project.set(
        [{"id": GATE, "definitionId": "logic", "filters": conditions, "filterLogic": logic}],
        (project.label, "if", GATE), (GATE, "if", project.done), (GATE, "else", project.review),
    )  # fmt: skip
    project.label_row()
    assert project.place == (None if holds else project.review)


@pytest.mark.known("client")
def test_conditions_on_people_datasets_and_metadata_read_the_row(project: Project) -> None:
    workspace = project.workspace
    document = "query($id: ID!) {dataRow(where: {id: $id}) {dataset {id}}}"
    dataset = ask_in(workspace, document, id=project.row)["dataRow"]["dataset"]["id"]
    users = ask_in(workspace, USERS)
    author = next(user["id"] for user in users["users"] if user["id"] != users["user"]["id"])
    conditions = [
        {"field": "Dataset", "operator": "is", "metadata": [{"id": dataset, "name": "Dataset 1"}]},
        {"field": "CreatedBy", "operator": "is", "metadata": [{"id": author, "email": "user1@example.com"}]},
    ]
    project.set(
        [{"id": GATE, "definitionId": "logic", "filters": conditions, "filterLogic": "and"}],
        (project.label, "if", GATE), (GATE, "if", project.done), (GATE, "else", project.review),
    )  # fmt: skip
    while project.row in project.list_rows("ToLabel"):
        project.event("LABEL_CREATED", by=author)
    assert project.place is None


@pytest.mark.known("client")
@pytest.mark.parametrize(("score", "passes"), [(0.9, True), (0.5, False), (None, True)])
def test_an_auto_qa_node_reads_the_scores_of_labels(project: Project, score: float | None, passes: bool) -> None:
    """SDK workflow/nodes/autoqa_node.py; scores by client.upsert_label_feedback."""
    config = [
        {"field": "score_name", "value": "accuracy", "metadata": None},
        {"field": "score_threshold", "value": 0.85, "metadata": None},
        {"field": "scope", "value": "all", "metadata": None},
    ]
    project.set(
        [{"id": GATE, "definitionId": "auto_qa", "config": config}],
        (project.label, "if", project.review), (project.review, "if", GATE), (GATE, "if", project.done),
        (GATE, "else", project.reject),
    )  # fmt: skip
    project.label_row()
    if score is not None:
        document = "query($id: ID!) {dataRow(where: {id: $id}) {labels {id}}}"
        [label, *_] = ask_in(project.workspace, document, id=project.row)["dataRow"]["labels"]
        rate = "mutation($input: LabelFeedbackInput!) {upsertAutoQaLabelFeedback(input: $input) {id}}"
        sent = {"labelId": label["id"], "feedback": "words", "scores": {"accuracy": score}}
        ask_in(project.workspace, rate, input=sent)
    project.event("REVIEW_CREATED", score=1)
    assert project.place == (None if passes else project.rework)


@pytest.mark.parametrize(
    "config", [7, [7], [{"field": ["score_name"], "value": 1}, {"field": "score_name", "value": []}]]
)
def test_an_auto_qa_node_that_no_sdk_writes_lets_all_labels_pass(project: Project, config: Any) -> None:
    project.set(
        [{"id": GATE, "definitionId": "auto_qa", "config": config}],
        (project.label, "if", GATE), (GATE, "if", project.done), (GATE, "else", project.reject),
    )  # fmt: skip
    project.label_row()
    assert project.place is None


def test_nodes_in_a_circle_lead_nowhere_and_the_row_goes_to_review(project: Project) -> None:
    project.set(
        [{"id": GATE, "definitionId": "logic"}, {"id": CUSTOM, "definitionId": "auto_qa"}],
        (project.label, "if", GATE), (GATE, "if", CUSTOM), (CUSTOM, "if", GATE),
    )  # fmt: skip
    project.label_row()
    assert project.place == project.review
