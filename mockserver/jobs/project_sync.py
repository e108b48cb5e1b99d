"""Takes the state of a project that is labelled elsewhere: its tasks with their labels, reviews and places.

The SDK says that labels, metrics and workflow state are synchronized, in the background (SDK project.py
sync_external_project, project_sync.py 7.17.0), and no client reads what becomes of them. All effects are inferred: a
task is the data row with its id or global key, or a new one from its URL; a label has no annotations; scores and words
are the feedback of the label; a rating is the score of a review; the queue that is sent has the last word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import orjson
from msgspec import UNSET, UnsetType

from mockserver.errors import BadInput, Conflict, nearest
from mockserver.generate.media.generator import EMPTY, find_generator
from mockserver.imports.media import build_content
from mockserver.imports.refusals import ItemRefused
from mockserver.world.change import Change
from mockserver.world.changes.batches import DEFAULT_PRIORITY, BatchChanges, Consensus
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.changes.data_rows import DataRowChanges
from mockserver.world.changes.labels import LabelChanges
from mockserver.world.changes.moves import APPROVE, REJECT
from mockserver.world.changes.queues import QueueChanges
from mockserver.world.changes.row_lookup import RowRef
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.new_rows import Content, KeyType, RowSpec
from mockserver.world.queries.labels import count_by_row
from mockserver.world.records.data_rows import DataRow, Dataset
from mockserver.world.records.labels import Label, LabelFeedback, ProjectRow, WorkflowStatus
from mockserver.world.records.people import Person
from mockserver.world.records.projects import Batch, Project, TaskQueue
from mockserver.world.store import Store

TOGETHER = 10
"""Entries of one transaction, some 10 ms, in which no other change can be made."""
BATCH = "External tasks"
"""The batch by which data rows come into the project."""
VERDICTS = {"Approve": (APPROVE, WorkflowStatus.DONE), "Reject": (REJECT, WorkflowStatus.IN_REWORK)}
"""The move of each status of AutoQA; a neutral one moves nothing."""


class Quality(NamedTuple):
    """Scores by name and words about a label."""

    scores: Mapping[str, float]
    words: str | None = None


class SyncedLabel(NamedTuple):
    email: str
    seconds: float | None
    submitted_at: int | None
    verdict: str | None
    """The status of AutoQA."""
    quality: Quality | None


class SyncedReview(NamedTuple):
    email: str
    score: float
    quality: Quality | None


class SyncEntry(NamedTuple):
    """A task of the external project. A label or a queue of None was sent as null: the task has no label any more, or
    is done."""

    task_id: str
    content_url: str | None
    label: SyncedLabel | UnsetType | None
    review: SyncedReview | None
    queue_type: str | UnsetType | None


class ProjectSync:
    """Applies the entries of one request to a project."""

    def __init__(self, store: Store, project: Project) -> None:
        self._store, self._project = store, project
        self._labels, self._batches, self._queues = LabelChanges(store), BatchChanges(store), QueueChanges(store)

    def check(self, entries: Sequence[SyncEntry]) -> None:
        """Raises BadInput for the first entry that cannot be applied, before anything is changed."""
        with self._store.reading() as connection:
            people = {person.email.lower(): person.id for person in connection.select(Person, Clause("NOT deleted"))}
            queues = connection.select(TaskQueue, Clause("project_id = :id", id=self._project.id), order="position")
            known = self._find_known([entry.task_id for entry in entries], connection)
            numbers = [row.no for row in known.values()]
            labelled = {row for row, _ in count_by_row(connection, self._project.id, numbers)}
        self._people = people
        self._queue_ids = {queue.queue_type: queue.id for queue in reversed(queues)}
        earlier: set[str] = set()
        for number, entry in enumerate(entries):
            row = known.get(entry.task_id)
            problem = self._find_problem(entry, row, has_label=row is not None and row.no in labelled)
            if entry.task_id in earlier:
                problem = "an earlier entry has the same task; send each task once"
            if problem is not None:
                raise BadInput(f"Entry {number} for the task {entry.task_id[:100]!r}: {problem}. Nothing was changed")
            earlier.add(entry.task_id)

    def _find_problem(self, entry: SyncEntry, row: DataRow | None, *, has_label: bool) -> str | None:
        for email in (part.email for part in (entry.label or None, entry.review) if part is not None):
            if email.lower() not in self._people:
                near = ", ".join(nearest(email, sorted(self._people), most=3))
                return f"{email[:100]!r} is the address of no user; expected one of a user, as {near}"
        if entry.queue_type is not UNSET and entry.queue_type not in {None, *self._queue_ids}:
            known = ", ".join(self._queue_ids)
            return (
                f"the project has no queue of the type {str(entry.queue_type)[:100]!r}; it has {known}, or null: Done"
            )
        if entry.content_url is not None:
            try:
                build_content(entry.content_url)
            except ItemRefused as error:
                return f"its contentUrl cannot be used: {error}"
        elif row is None:
            return "no data row has this id or global key; send a contentUrl, from which one is created"
        if entry.review is not None and not entry.label and (entry.label is None or not has_label):
            return "it has a review, and the task has no label; send its label too"
        return None

    def _find_known(self, names: Sequence[str], connection: Connection) -> dict[str, DataRow]:
        """The data rows of tasks, by their id or global key; a global key counts before an id."""
        rows: dict[str, DataRow] = {}
        for column in ("id", "global_key"):
            for row in connection.select(DataRow, Clause(f"{column} IN :names AND NOT deleted", names=list(names))):
                rows[getattr(row, column)] = row
        return rows

    def apply(self, entries: Sequence[SyncEntry]) -> str:
        """Applies the entries in their order, some in each transaction. Returns the id of the submission. `check` was
        called before."""
        for first in range(0, len(entries), TOGETHER):
            with self._store.change() as change:
                for entry in entries[first : first + TOGETHER]:
                    self._apply(change, entry)
        with self._store.change() as change:
            return change.new_id()

    def _apply(self, change: Change, entry: SyncEntry) -> None:
        row = self._place_row(change, entry)
        label = self._set_label(change, row, entry.label)
        if entry.review is not None:
            self._add_review(change, entry, label or self._find_label(change, row), entry.review)
        if entry.queue_type is not UNSET:
            queue_id = None if entry.queue_type is None else self._queue_ids[entry.queue_type]
            self._queues.move_rows(self._project.id, [RowRef(row.no, row.id)], queue_id)

    # The data row

    def _place_row(self, change: Change, entry: SyncEntry) -> DataRow:
        """The data row of a task, in the project and with the URL that was sent."""
        row = self._find_known([entry.task_id], change.connection).get(entry.task_id)
        if entry.content_url is not None and (row is None or row.row_data != entry.content_url):
            row = self._write_row(change, entry.task_id, row, build_content(entry.content_url))
        if row is None:
            raise Conflict(f"The data row of the task {entry.task_id!r} was deleted in the meantime; send it again")
        place = Clause("project_id = :project AND data_row_no = :row", project=self._project.id, row=row.no)
        if not change.connection.count(ProjectRow, place):
            self._batches.add_rows(self._find_batch(change), [RowRef(row.no, row.id)], DEFAULT_PRIORITY)
        return row

    def _write_row(self, change: Change, task_id: str, row: DataRow | None, content: Content) -> DataRow:
        key = (KeyType.GLOBAL_KEY, task_id) if row is None else (KeyType.ID, row.id)
        dataset = self._find_dataset(change) if row is None else row.dataset_id
        spec = RowSpec(key_type=key[0], key=key[1], dataset_id=dataset, content=content)
        [data_row] = DataRowChanges(self._store).upsert_or_refuse([spec])
        return data_row

    def _find_dataset(self, change: Change) -> str:
        name = f"{self._project.name} ({BATCH.lower()})"
        known = change.connection.select(Dataset, Clause("name = :name AND NOT deleted", name=name), first=1)
        return known[0].id if known else CatalogChanges(self._store).create_dataset(name=name).id

    def _find_batch(self, change: Change) -> Batch:
        place = Clause("project_id = :project AND name = :name", project=self._project.id, name=BATCH)
        return change.connection.find(Batch, place) or self._batches.create_batch(self._project.id, BATCH, Consensus())

    # Its label

    def _set_label(self, change: Change, row: DataRow, sent: SyncedLabel | UnsetType | None) -> Label | None:
        """Gives a row the label of a user, or the user's label its new values. Null deletes the labels of the row."""
        if sent is UNSET:
            return None
        if sent is None:
            self._labels.delete_labels([label.id for label in self._list_labels(change, row)])
            return None
        assert isinstance(sent, SyncedLabel)
        user = self._people[sent.email.lower()]
        seconds = None if sent.seconds is None else round(sent.seconds)
        label = next((label for label in self._list_labels(change, row) if label.created_by == user), None)
        if label is None:
            known = find_generator(row.media_type)
            content = EMPTY if known is None else known.empty_body
            label = self._labels.create_label(
                self._project.id, row.id, content=content, seconds_to_create=seconds or 0, by=user,
                submitted_at=sent.submitted_at,
            )  # fmt: skip
        else:
            label = self._labels.set_effort(label.id, seconds=seconds, submitted_at=sent.submitted_at)
        if sent.quality is not None:
            self._add_quality(change, label, sent.quality)
        if sent.verdict in VERDICTS:
            self._follow(change, row, *VERDICTS[sent.verdict], user)
        return label

    def _list_labels(self, change: Change, row: DataRow) -> Iterator[Label]:
        place = Clause("project_id = :project AND data_row_no = :row AND NOT deleted",
                       project=self._project.id, row=row.no)  # fmt: skip
        return iter(change.connection.select(Label, place, order="no DESC"))

    def _find_label(self, change: Change, row: DataRow) -> Label | None:
        return next(self._list_labels(change, row), None)

    def _add_quality(self, change: Change, label: Label, quality: Quality) -> None:
        """Adds scores to those that a label has."""
        known = change.connection.find(LabelFeedback, Clause("label_no = :no", no=label.no))
        scores = {} if known is None else orjson.loads(known.scores)
        words = quality.words if quality.words is not None else known.feedback if known else ""
        self._labels.set_feedback(label.id, words, scores | dict(quality.scores))

    def _follow(self, change: Change, row: DataRow, action: str, status: WorkflowStatus, user: str) -> None:
        """Moves a row where AutoQA sends it, unless it is there or the workflow has no such place."""
        place = Clause("project_id = :project AND data_row_no = :row", project=self._project.id, row=row.no)
        project_row = change.connection.one(ProjectRow, place, f"Data row {row.id!r}")
        has_place = status == WorkflowStatus.DONE or "MANUAL_REWORK_QUEUE" in self._queue_ids
        if has_place and project_row.workflow_status != status:
            self._labels.move_row(self._project.id, row.id, action=action, to=status, by=user)

    def _add_review(self, change: Change, entry: SyncEntry, label: Label | None, review: SyncedReview) -> None:
        if label is None:
            raise Conflict(f"The label of the task {entry.task_id!r} was deleted in the meantime; send it again")
        self._labels.create_review(label.id, score=review.score, by=self._people[review.email.lower()])
        if review.quality is not None:
            self._add_quality(change, label, review.quality)
