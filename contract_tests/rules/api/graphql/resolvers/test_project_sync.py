"""Projects that are labelled elsewhere and report their state (SDK project.py sync_external_project 7.17.0)."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.uploading import refuse
from mockserver.testing import MockWorkspace

SYNC = (
    "mutation syncExternalProjectPyApi($input: SyncExternalProjectInput!) {"
    " syncExternalProject(input: $input) { submissionId } }"
)
CREATE = "mutation($name: String!) {createProject(data: {name: $name, allowedMediaType: IMAGE}) {id}}"
SECTIONS = {"label_details": True, "performance_details": True, "project_details": True}
PICTURE = "https://elsewhere.example/tasks/1.png"


class External:
    """An empty project, and the exports of what was reported about it."""

    def __init__(self, workspace: MockWorkspace) -> None:
        self.workspace = workspace
        self.id = ask_in(workspace, CREATE, name="external")["createProject"]["id"]
        self.email, *self.others = [user["email"] for user in ask_in(workspace, "{users {email}}")["users"]]

    def sync(self, *entries: dict[str, Any]) -> str:
        answer = ask_in(self.workspace, SYNC, input={"projectId": self.id, "entries": list(entries)})
        return str(answer["syncExternalProject"]["submissionId"])

    def refuse(self, *entries: dict[str, Any]) -> str:
        return refuse(self.workspace, SYNC, input={"projectId": self.id, "entries": list(entries)})

    def label(self, **more: Any) -> dict[str, Any]:
        return {"submittedBy": {"email": self.email}} | more

    def rows(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """The data rows with what their exports have of the project."""
        rows = self.workspace.expected_rows(self.id, params=SECTIONS)
        return [(row["data_row"], row["projects"][self.id]) for row in rows]

    def status(self) -> str:
        [(_, project)] = self.rows()
        return str(project["project_details"]["workflow_status"])


@pytest.fixture
def external(workspace: MockWorkspace) -> External:
    return External(workspace)


@pytest.mark.known("inferred")
def test_a_task_becomes_a_data_row_with_the_label_that_was_reported(external: External) -> None:
    label = external.label(secondsToCompletion=61.6, submittedOn="2025-01-01T12:30:00Z")
    submission = external.sync({"taskId": "task-1", "contentUrl": PICTURE, "label": label})
    [(row, project)] = external.rows()
    assert (row["global_key"], row["row_data"]) == ("task-1", PICTURE)
    [exported] = project["labels"]
    assert exported["label_details"]["created_by"] == external.email
    assert exported["label_details"]["created_at"].startswith("2025-01-01T12:30:00")
    assert exported["performance_details"]["seconds_to_create"] == 62
    assert external.status() == "IN_REVIEW"
    assert submission not in {external.sync({"taskId": "task-1"}), external.sync()}


@pytest.mark.known("inferred")
def test_a_task_that_is_reported_again_keeps_its_row_and_its_label(external: External) -> None:
    external.sync({"taskId": "task-1", "contentUrl": PICTURE, "label": external.label(secondsToCompletion=10)})
    [(row, project)] = external.rows()
    later = {"taskId": "task-1", "contentUrl": PICTURE + "?again", "label": external.label(secondsToCompletion=20)}
    external.sync(later)
    [(again, changed)] = external.rows()
    assert (again["id"], changed["labels"][0]["id"]) == (row["id"], project["labels"][0]["id"])
    assert again["row_data"] == PICTURE + "?again"
    assert changed["labels"][0]["performance_details"]["seconds_to_create"] == 20
    external.sync({"taskId": row["id"], "label": {"submittedBy": {"email": external.others[0].upper()}}})
    assert len(external.rows()[0][1]["labels"]) == 2
    external.sync({"taskId": "task-1", "label": None})
    assert external.rows()[0][1]["labels"] == []


@pytest.mark.known("inferred")
def test_the_queue_that_is_sent_has_the_last_word_about_the_place_of_a_row(external: External) -> None:
    task: dict[str, Any] = {"taskId": "task-1", "contentUrl": PICTURE, "label": external.label()}
    external.sync(task | {"queueType": "MANUAL_REWORK_QUEUE"})
    assert external.status() == "IN_REWORK"
    external.sync({"taskId": "task-1", "queueType": None})
    assert external.status() == "DONE"
    external.sync({"taskId": "task-1", "queueType": "INITIAL_LABELING_QUEUE"})
    assert external.status() == "TO_LABEL"
    external.sync({"taskId": "task-1"})
    assert external.status() == "TO_LABEL"


@pytest.mark.known("inferred")
def test_reviews_and_autoqa_move_a_row_and_score_its_label(external: External) -> None:
    quality = {"status": "Reject", "score": 0.5, "feedback": "blurred", "customScores": [{"name": "edges", "value": 1}]}
    external.sync({"taskId": "task-1", "contentUrl": PICTURE, "label": external.label(autoQA=quality)})
    assert external.status() == "IN_REWORK"
    external.sync({"taskId": "task-1", "label": external.label(autoQA={"status": "Neutral"})})
    assert external.status() == "IN_REWORK"
    review = {
        "reviewedBy": {"email": external.others[0]}, "rating": {"score": 4, "comment": "better"},
        "customScores": [{"name": "edges", "value": 2.5}],
    }  # fmt: skip
    external.sync({"taskId": "task-1", "review": review})
    assert external.status() == "DONE"
    label = external.rows()[0][1]["labels"][0]["id"]
    reviews = ask_in(external.workspace, "query($id: ID!) {label(where: {id: $id}) {reviews {score}}}", id=label)
    assert [review["score"] for review in reviews["label"]["reviews"]] == [4]


def test_one_wrong_entry_refuses_all_of_them_and_is_named(external: External) -> None:
    good = {"taskId": "task-1", "contentUrl": PICTURE, "label": external.label()}
    wrong: dict[str, dict[str, Any]] = {
        "no data row has": {"taskId": "task-2"},
        "is the address of no user": good | {"taskId": "2", "label": {"submittedBy": {"email": "x@y.z"}}},
        "no queue of the type": good | {"taskId": "2", "queueType": "DONE_QUEUE"},
        "same task": good,
        "has no label": {"taskId": "2", "contentUrl": PICTURE, "review": {"reviewedBy": {"email": external.email}}},
        "contentUrl": {"taskId": "2", "contentUrl": " "},
        "expected the id or the global key": good | {"taskId": ""},
        "ISO 8601": good | {"taskId": "2", "label": external.label(submittedOn="yesterday")},
        "to now": good | {"taskId": "2", "label": external.label(submittedOn="9000-01-01")},
        "secondsToCompletion": good | {"taskId": "2", "label": external.label(secondsToCompletion=-1)},
        "Approved": good | {"taskId": "2", "label": external.label(autoQA={"status": "Approved"})},
    }
    for words, entry in wrong.items():
        assert words in external.refuse(good, entry)
    assert "at most" in external.refuse(*[{"taskId": "x"}] * 10_001)
    assert external.rows() == []


def test_a_project_that_does_not_exist_takes_no_tasks(external: External) -> None:
    assert "does not exist" in refuse(external.workspace, SYNC, input={"projectId": "nobody", "entries": []})


def test_tasks_of_several_transactions_are_taken_by_one_request(external: External) -> None:
    external.sync(
        *({"taskId": f"task-{n}", "contentUrl": f"{PICTURE}?{n}", "label": external.label()} for n in range(120))
    )
    rows = external.rows()
    assert [row["global_key"] for row, _ in rows] == [f"task-{n}" for n in range(120)]
    assert all(len(project["labels"]) == 1 for _, project in rows)
