"""Reviews and benchmarks of labels."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import answer_in, ask_in
from mockserver.testing import MockWorkspace

REVIEW = (
    "mutation($score: Float!, $label: ID!, $project: ID!) {createReview(data: {score: $score"
    " label: {connect: {id: $label}} project: {connect: {id: $project}}}) {createdAt score id updatedAt}}"
)
BENCHMARK = "mutation($id: ID!) {createBenchmark(data: {labelId: $id}) {id averageAgreement completedCount createdAt}}"
LABELS = (
    "query($id: ID!) {project(where: {id: $id}) {labels {id isBenchmarkReference reviews {id score} dataRow {id}}}}"
)


def list_labels(workspace: MockWorkspace) -> Any:
    return ask_in(workspace, LABELS, id=workspace.project("image"))["project"]["labels"]


@pytest.mark.known("client")
def test_a_review_moves_its_data_row_and_can_be_changed_and_deleted(workspace: MockWorkspace) -> None:
    label = next(label for label in list_labels(workspace) if not label["reviews"])
    variables = {"label": label["id"], "project": workspace.project("image")}
    review = ask_in(workspace, REVIEW, score=-1.0, **variables)["createReview"]
    assert review["score"] == -1
    update = "mutation($id: ID!, $data: ReviewUpdateInput!) {updateReview(where: {id: $id}, data: $data) {id score}}"
    assert ask_in(workspace, update, id=review["id"], data={"score": 1.0})["updateReview"]["score"] == 1
    rows = workspace.expected_rows("image", params={"project_details": True})
    [own] = [row for row in rows if row["data_row"]["id"] == label["dataRow"]["id"]]
    assert own["projects"][workspace.project("image")]["project_details"]["workflow_status"] == "DONE"
    ask_in(workspace, update, id=review["id"], data={"deleted": True})
    [label] = [one for one in list_labels(workspace) if one["id"] == label["id"]]
    assert label["reviews"] == []


@pytest.mark.known("client")
def test_a_label_becomes_the_benchmark_of_its_row_once(workspace: MockWorkspace) -> None:
    label = next(label for label in list_labels(workspace) if not label["isBenchmarkReference"])
    ask_in(workspace, BENCHMARK, id=label["id"])
    [error] = answer_in(workspace, BENCHMARK, id=label["id"])["errors"]
    assert error["extensions"]["code"] == "RESOURCE_CONFLICT"
    delete = "mutation($id: ID!) {deleteBenchmark(where: {labelId: $id}) {id}}"
    ask_in(workspace, delete, id=label["id"])
    [error] = answer_in(workspace, delete, id=label["id"])["errors"]
    assert error["extensions"]["code"] == "RESOURCE_CONFLICT"


@pytest.mark.parametrize(("label", "project"), [("nobody", "image"), (None, "text")])
def test_a_review_of_another_project_is_refused(workspace: MockWorkspace, label: str | None, project: str) -> None:
    known = label or list_labels(workspace)[0]["id"]
    [error] = answer_in(workspace, REVIEW, score=1.0, label=known, project=workspace.project(project))["errors"]
    assert error["extensions"]["code"] == "RESOURCE_NOT_FOUND"


FEEDBACK = (
    "mutation($labelId: ID!, $feedback: String!, $scores: Json!) {upsertAutoQaLabelFeedback(input: {labelId: $labelId"
    " feedback: $feedback scores: $scores}) {id scores {id name score}}}"
)


@pytest.mark.known("client")
def test_a_label_is_given_scores_by_name(workspace: MockWorkspace) -> None:
    """SDK tests test_label.py, test_upsert_label_scores."""
    label = list_labels(workspace)[0]["id"]
    first, second = (
        ask_in(workspace, FEEDBACK, labelId=label, feedback="A good label", scores=scores)["upsertAutoQaLabelFeedback"]
        for scores in ({"overall": 5}, {"overall": 4.5, "edges": 0})
    )
    assert [(score["name"], score["score"]) for score in first["scores"]] == [("overall", 5)]
    assert {score["name"]: score["score"] for score in second["scores"]} == {"overall": 4.5, "edges": 0}
    assert (first["id"], first["scores"][0]["id"]) == (second["id"], second["scores"][0]["id"])


@pytest.mark.parametrize("scores", [5, [5], {"overall": "5"}, {"overall": None}, {"overall": 1e30}, {"x" * 10_001: 5}])
def test_scores_that_are_no_numbers_by_name_are_refused(workspace: MockWorkspace, scores: Any) -> None:
    label = list_labels(workspace)[0]["id"]
    [error] = answer_in(workspace, FEEDBACK, labelId=label, feedback="", scores=scores)["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    [error] = answer_in(workspace, FEEDBACK, labelId="nobody", feedback="", scores={})["errors"]
    assert error["extensions"]["code"] == "RESOURCE_NOT_FOUND"
