"""Changes that people make to data rows, on both engines."""

from collections.abc import Callable

import pytest

from contract_tests.rules.worlds import digest_world
from mockserver.errors import Conflict, NotFound, NotYours
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.changes.issues import IssueChanges
from mockserver.world.changes.labels import LabelChanges
from mockserver.world.changes.moves import APPROVE, MOVE
from mockserver.world.clause import Clause
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.events import Event, EventKind
from mockserver.world.records.issues import Comment, Issue, IssueStatus
from mockserver.world.records.labels import Body, Label, ProjectRow, Review, WorkflowStatus
from mockserver.world.records.people import Person
from mockserver.world.records.projects import Project, ProjectTag, ResourceTag, TaskQueue
from mockserver.world.store import Store

BODY = b'{"objects":[],"classifications":[],"relationships":[]}'


def project_of(store: Store) -> str:
    with store.reading() as connection:
        return connection.select(Project, Clause("name = 'image'"))[0].id


def row_of(store: Store, status: WorkflowStatus) -> DataRow:
    with store.reading() as connection:
        condition = Clause("project_id = :id AND workflow_status = :status", id=project_of(store), status=status)
        project_row = connection.select(ProjectRow, condition, order="data_row_no", first=1)[0]
        return connection.select(DataRow, Clause("no = :no", no=project_row.data_row_no))[0]


def project_row_of(store: Store, row: DataRow) -> ProjectRow:
    with store.reading() as connection:
        return connection.select(
            ProjectRow, Clause("project_id = :id AND data_row_no = :no", id=project_of(store), no=row.no)
        )[0]


def kinds(store: Store) -> list[str]:
    with store.reading() as connection:
        return [event.kind for event in connection.select(Event, order="no")]


def label_row(store: Store) -> tuple[DataRow, Label]:
    row = row_of(store, WorkflowStatus.TO_LABEL)
    return row, LabelChanges(store).create_label(project_of(store), row.id, content=BODY)


def test_a_first_label_sends_its_row_to_review(store: Store) -> None:
    row, label = label_row(store)
    project_row = project_row_of(store, row)
    assert (project_row.workflow_status, project_row.selected_label_id) == (WorkflowStatus.IN_REVIEW, label.id)
    with store.reading() as connection:
        queue = connection.select(TaskQueue, Clause("id = :id", id=project_row.task_queue_id))[0]
        body = connection.select(Body, Clause("id = :id", id=label.body_id))[0]
    assert queue.queue_type == "MANUAL_REVIEW_QUEUE"
    step = project_row.steps[0]
    assert (step.action, step.next_task_id, step.next_task_name) == (MOVE, queue.id, queue.name)
    assert body.content == BODY
    assert kinds(store) == [EventKind.LABEL_CREATED]


@pytest.mark.known("sample")
def test_a_labels_creation_is_rounded_to_the_second(store: Store) -> None:
    store.clock.freeze()
    for ended, rounded in ((40_702_000, 41_000_000), (28_313_000, 28_000_000)):
        store.clock.set(1_767_960_700_000_000 + ended)
        _, label = label_row(store)
        assert (label.created_at, label.content_updated_at) == (1_767_960_700_000_000 + rounded, store.clock.now())


@pytest.mark.known("sample")
@pytest.mark.parametrize("expected", [1, 2, 3, 5])
def test_the_last_label_that_a_row_waits_for_makes_its_whole_way(store: Store, expected: int) -> None:
    row, project = row_of(store, WorkflowStatus.TO_LABEL), project_of(store)
    with store.change() as change:
        change.connection.update(ProjectRow, Clause("data_row_no = :no", no=row.no), expected_label_count=expected)
        people = [person.id for person in change.connection.select(Person, order="created_at, id")]
    labels = LabelChanges(store)
    for person in people[: expected - 1]:
        new_label = labels.create_label(project, row.id, content=BODY, by=person)
        project_row = project_row_of(store, row)
        assert (project_row.workflow_status, project_row.steps, new_label.consensus_score) == (
            WorkflowStatus.TO_LABEL,
            [],
            None,
        )
    last = labels.create_label(project, row.id, content=BODY, by=people[expected - 1])
    moved, entered = project_row_of(store, row).steps
    assert (moved.action, entered.action) == (MOVE, MOVE)
    assert entered.previous_task_id is None
    assert entered.next_task_id == moved.previous_task_id
    assert moved.created_by == entered.created_by
    assert moved.created_at > entered.created_at
    with store.reading() as connection:
        created = connection.select(Label, Clause("data_row_no = :no", no=row.no))
    assert {label.consensus_score for label in created} == {last.consensus_score}
    assert (last.consensus_score is None) == (expected == 1)
    assert {label.updated_at for label in created} == {last.updated_at}


def test_a_second_label_leaves_row_and_winner_as_they_are(store: Store) -> None:
    row, first = label_row(store)
    LabelChanges(store).create_label(project_of(store), row.id, content=BODY)
    project_row = project_row_of(store, row)
    assert project_row.selected_label_id == first.id
    assert len(project_row.steps) == 2


def test_another_body_is_another_moment_of_content(store: Store) -> None:
    store.clock.freeze()
    _, label = label_row(store)
    store.clock.advance(1_000_000)
    changed = LabelChanges(store).update_label(label.id, content=BODY)
    assert changed.content_updated_at == changed.updated_at == label.content_updated_at + 1_000_000
    assert changed.created_at == label.created_at
    assert changed.body_id != label.body_id


@pytest.mark.parametrize(
    ("score", "status", "action"),
    [(1.0, WorkflowStatus.DONE, "Approve"), (-1.0, WorkflowStatus.IN_REWORK, "Reject")],
)
def test_a_verdict_moves_the_row(store: Store, score: float, status: WorkflowStatus, action: str) -> None:
    row, label = label_row(store)
    review = LabelChanges(store).create_review(label.id, score=score)
    assert project_row_of(store, row).workflow_status == status
    assert project_row_of(store, row).steps[0].action == action
    assert kinds(store)[1:] == [EventKind.REVIEW_CREATED, EventKind.WORKFLOW_ACTION]
    LabelChanges(store).delete_review(review.id)
    with store.reading() as connection:
        assert connection.find(Review, Clause("id = :id", id=review.id)) is None


def test_the_same_verdict_again_moves_nothing(store: Store) -> None:
    _, label = label_row(store)
    review = LabelChanges(store).create_review(label.id, score=1.0)
    LabelChanges(store).update_review(review.id, score=0.5)
    assert kinds(store)[3:] == [EventKind.REVIEW_UPDATED]


def test_a_row_is_moved_only_to_where_it_is_not(store: Store) -> None:
    row = row_of(store, WorkflowStatus.IN_REVIEW)
    moved = LabelChanges(store).move_row(project_of(store), row.id, action=APPROVE, to=WorkflowStatus.DONE)
    assert (moved.workflow_status, moved.task_queue_id) == (WorkflowStatus.DONE, None)
    with pytest.raises(Conflict, match="is Done in this project already"):
        LabelChanges(store).move_row(project_of(store), row.id, action=APPROVE, to=WorkflowStatus.DONE)


def test_an_issue_lives_its_life(store: Store) -> None:
    issues, row = IssueChanges(store), row_of(store, WorkflowStatus.DONE)
    issue, _ = issues.create_issue(project_of(store), row.id, content="Is this a car?")
    IssueChanges(store).update_issue(issue.id, status=IssueStatus.RESOLVED, comment="It is.")
    with store.reading() as connection:
        assert [
            item.content for item in connection.select(Comment, Clause("issue_no = :no", no=issue.no), order="no")
        ] == [
            "Is this a car?",
            "It is.",
        ]
        assert connection.select(Issue, Clause("id = :id", id=issue.id))[0].status == IssueStatus.RESOLVED
    IssueChanges(store).delete_issue(issue.id)
    with pytest.raises(NotFound, match="Issue"):
        IssueChanges(store).delete_issue(issue.id)
    assert kinds(store) == [EventKind.ISSUE_CREATED, EventKind.ISSUE_UPDATED, EventKind.ISSUE_DELETED]


@pytest.mark.known("client")
def test_an_issue_of_another_user_keeps_all_issues_from_being_deleted(store: Store) -> None:
    issues, row = IssueChanges(store), row_of(store, WorkflowStatus.DONE)
    with store.reading() as connection:
        [other] = connection.select(Person, Clause("id <> :id", id=store.workspace.user_id), first=1)
    of_other, _ = issues.create_issue(project_of(store), row.id, content="Mine?", by=other.id)
    own, _ = issues.create_issue(project_of(store), row.id, content="Yours?")
    with pytest.raises(NotYours, match="another user"):
        issues.delete_issues([own.id, of_other.id])
    issues.delete_issues([own.id, own.id, "nobody"])
    with pytest.raises(NotFound):
        issues.delete_issue(own.id)


def test_metadata_is_set_whether_it_was_there_or_not(store: Store) -> None:
    row = row_of(store, WorkflowStatus.DONE)
    for value in ("first", "second"):
        CatalogChanges(store).set_metadata(row.id, "cko8s9r5v0001h2dk9elqdidh", value)
    with store.reading() as connection:
        changed = connection.select(DataRow, Clause("no = :no", no=row.no))[0]
    assert changed.metadata_values == row.metadata_values | {"cko8s9r5v0001h2dk9elqdidh": "second"}
    assert list(changed.metadata_values) == sorted(changed.metadata_values)


def test_all_of_it_is_activity_on_the_row(store: Store) -> None:
    store.clock.freeze()
    labels, row = LabelChanges(store), row_of(store, WorkflowStatus.IN_REVIEW)
    steps: list[Callable[[], object]] = [
        lambda: labels.create_label(project_of(store), row.id, content=BODY),
        lambda: labels.move_row(project_of(store), row.id, action=APPROVE, to=WorkflowStatus.DONE),
        lambda: IssueChanges(store).create_issue(project_of(store), row.id, content="?"),
        lambda: CatalogChanges(store).set_metadata(row.id, "cko8s9r5v0001h2dk9elqdidh", "x"),
    ]
    for step in steps:
        store.clock.advance(1_000_000)
        step()
        with store.reading() as connection:
            assert connection.select(DataRow, Clause("no = :no", no=row.no))[0].last_activity_at == store.clock.now()


def test_what_is_not_there_is_named(store: Store) -> None:
    labels, row = LabelChanges(store), row_of(store, WorkflowStatus.DONE)
    before = digest_world(store)
    for attempt, message in (
        (lambda: labels.create_label(project_of(store), "cnone", content=BODY), "Data row 'cnone'"),
        (lambda: labels.create_label("cnone", row.id, content=BODY), "in project 'cnone'"),
        (lambda: labels.update_label("cnone", content=BODY), "Label 'cnone'"),
        (lambda: labels.create_review("cnone", score=1.0), "Label 'cnone'"),
        (lambda: labels.update_review("cnone", score=1.0), "Review 'cnone'"),
        (lambda: IssueChanges(store).update_issue("cnone", status=IssueStatus.OPEN), "Issue 'cnone'"),
    ):
        with pytest.raises(NotFound, match=message):
            attempt()
    assert (digest_world(store), kinds(store)) == (before, [])


def test_a_project_gets_the_tags_that_there_are_then_new_ones(store: Store) -> None:
    project = project_of(store)
    first = CatalogChanges(store).tag_project(project, text="round 1")
    second = CatalogChanges(store).tag_project(project, text="round 2")
    with store.reading() as connection:
        assert connection.select(ResourceTag, order="created_at, id") == [first, second]
        other = connection.select(Project, Clause("id <> :id", id=project), first=1)[0]
        tagged = {tagged.tag_id for tagged in connection.select(ProjectTag, Clause("project_id = :id", id=project))}
    assert tagged == {first.id, second.id}
    assert (first.text, second.text) == ("round 1", "round 2")
    assert CatalogChanges(store).tag_project(other.id, text="round 3") == first
    assert kinds(store) == [EventKind.PROJECT_UPDATED] * 3
