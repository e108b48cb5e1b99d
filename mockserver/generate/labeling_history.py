"""The history of one data row in one project: its moves, labels, reviews and issues, each with its timestamp."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from mockserver.generate.chance import Chance, Chances
from mockserver.generate.numbers import Numbers
from mockserver.generate.organization import Organized
from mockserver.generate.plans import ProjectPlan
from mockserver.generate.words import load_table
from mockserver.world import ids
from mockserver.world.clock import DAY, HOUR, SECOND
from mockserver.world.moments import format_moment, round_to_second
from mockserver.world.record import Record
from mockserver.world.records.issues import Comment, Issue, IssueStatus
from mockserver.world.records.labels import Label, ProjectRow, Review, WorkflowStatus, WorkflowStep, encode_history
from mockserver.world.records.projects import queues_of_new_project

BATCHED = 29 * DAY
LABELLED = 28 * DAY
"""How long before the end rows were sent to the project, and first labelled."""
LABELLING_LASTED = 24 * DAY
"""Short enough that every review and rework is before the end, too."""
MILLISECOND = 1000
BETWEEN_MOVES = 5 * MILLISECOND
"""Between the two moves that a row's last label makes (observed 2024-12)."""

STATUSES = (
    WorkflowStatus.DONE,
    WorkflowStatus.IN_REVIEW,
    WorkflowStatus.DONE,
    WorkflowStatus.IN_REWORK,
    WorkflowStatus.DONE,
)
"""Labelled rows take these in turn."""
PLACES = {WorkflowStatus.TO_LABEL: 0, WorkflowStatus.IN_REVIEW: 1, WorkflowStatus.IN_REWORK: 2}
"""The place of the queue in which rows of a status wait."""
DONE_BEFORE = (0, 1, 1, 2, 2)
"""How many rows are done before the one at each place of STATUSES."""
DONE_IN_TURN = STATUSES.count(WorkflowStatus.DONE)


class RowTimeline(msgspec.Struct, frozen=True):
    """The moments of one row in one project, microseconds UTC. Without all its labels it waits for more.

    `labelled` are the moments at which the labels got their contents; the last was `sent` a little later.
    """

    status: WorkflowStatus
    skipped: bool = False
    labelled: tuple[int, ...] = ()
    sent: int | None = None
    judged: int | None = None
    reopened: int | None = None
    raised: int | None = None
    resolved: int | None = None

    def find_last_activity(self, entered: int) -> int:
        """The latest activity: issues are resolved before any judgement."""
        moved = entered if self.sent is None else self.sent + BETWEEN_MOVES * self.complete
        return self.approved_again or self.judged or self.resolved or self.raised or moved

    @property
    def complete(self) -> bool:
        """Whether the row has all its labels."""
        return self.status != WorkflowStatus.TO_LABEL

    @property
    def reworked(self) -> bool:
        return self.status == WorkflowStatus.IN_REWORK or self.reopened is not None

    @property
    def approved_again(self) -> int | None:
        return None if self.reopened is None else self.reopened + HOUR


class Move(NamedTuple):
    """A workflow step by the ids of its person and queues."""

    at: int
    action: str
    by: str
    previous: str | None
    following: str | None


class LabelingHistory:
    """The history of the labels of one project's rows. `bodies` are those of its labels, one list for each labeller."""

    def __init__(
        self,
        plan: ProjectPlan,
        organized: Organized,
        numbers: Numbers,
        *,
        project_id: str,
        root: tuple[object, ...],
        end: int,
    ) -> None:
        self.plan, self.organized, self.numbers, self.root, self.end = plan, organized, numbers, root, end
        self.project_id = project_id
        self.batch_id = ids.time_uuid(end - BATCHED, *root, "batch")
        self.queues = queues_of_new_project(project_id, *root, "queue")
        self._names = {queue.id: queue.name for queue in self.queues}
        self._names |= {person.id: person.email for person in organized.people}
        self.bodies: list[list[int]] = []
        self.skipped_body = 0
        self.entered = end - BATCHED + SECOND
        self._timeline_chances, self._record_chances = Chances(*root, "way"), Chances(*root, "row")
        self._label_ids = ids.Stem(*root, "label")

    # When

    def build_timeline(self, index: int) -> RowTimeline:
        """Rows come labelled first, then skipped, then waiting for further labels, then unlabelled."""
        plan = self.plan
        if index >= plan.begun:
            return RowTimeline(WorkflowStatus.TO_LABEL)
        chance = self._timeline_chances.derive(index)
        first = self._find_first_label(index) + chance.randbelow(1000) * MILLISECOND
        takes = 1 if plan.labelled <= index < plan.labelled + plan.skipped else self._count_labels(index)
        labelled = tuple(first + number * (HOUR + chance.randbelow(3600_000) * MILLISECOND) for number in range(takes))
        sent = labelled[-1] + chance.randint(380, 560) * MILLISECOND
        if index >= plan.labelled + plan.skipped:
            return RowTimeline(WorkflowStatus.TO_LABEL, labelled=labelled, sent=sent)
        if index >= plan.labelled:
            return RowTimeline(WorkflowStatus.DONE, skipped=True, labelled=labelled, sent=sent)
        status = STATUSES[index % len(STATUSES)]
        judged = sent + chance.randint(1, 48) * HOUR + chance.randbelow(3600_000) * MILLISECOND
        waits = status == WorkflowStatus.IN_REVIEW
        raised = labelled[-1] + 20 * 60 * SECOND if index < plan.issues else None
        return RowTimeline(
            status,
            labelled=labelled,
            sent=sent,
            judged=None if waits else judged,
            reopened=judged + 6 * HOUR if self._reopens(index) else None,
            raised=raised,
            resolved=raised + 30 * 60 * SECOND if raised and index % 2 else None,
        )

    def find_last_activity(self, index: int) -> int:
        """The latest activity on a row, or 0 when it is not in this project."""
        return self.build_timeline(index).find_last_activity(self.entered) if index < self.plan.rows else 0

    def _find_first_label(self, index: int) -> int:
        done = max(self.plan.begun, 1)
        return self.end - LABELLED + (LABELLING_LASTED * index // done) // 1000 * 1000

    def _count_labels(self, index: int) -> int:
        """How many labels the row has: a benchmark has a reference and one that is measured by it."""
        if index >= self.plan.labelled + self.plan.skipped:
            return 1 + index % (self.plan.consensus - 1)
        return 2 if index < self.plan.benchmarks else self.plan.consensus

    def count_labels(self, rows: int) -> int:
        """How many labels the first rows have, which are all labelled."""
        assert rows <= self.plan.labelled, "parts are of projects whose rows are all labelled"
        return rows * self.plan.consensus + min(rows, self.plan.benchmarks) * (2 - self.plan.consensus)

    def _reopens(self, index: int) -> bool:
        turn, place = divmod(index, len(STATUSES))
        done = DONE_IN_TURN * turn + DONE_BEFORE[place]
        return STATUSES[place] == WorkflowStatus.DONE and done < self.plan.reopened

    # What

    def build_records(self, index: int, no: int, way: RowTimeline) -> Iterator[Record]:
        """The records of the row number `no`, the project's row `index`, with this timeline."""
        chance = self._record_chances.derive(index)
        moves = list(self._build_moves(index, way))
        labels = list(self._build_labels(index, no, way, chance))
        yield self._build_project_row(no, way, labels, moves)
        yield from labels
        if self.plan.reviews:
            yield from self._build_reviews(labels, moves)
        if way.raised is not None:
            yield from self._build_issue(index, no, way, labels)

    def _build_project_row(self, no: int, way: RowTimeline, labels: list[Label], moves: list[Move]) -> ProjectRow:
        place = PLACES.get(way.status)
        queue = None if place is None else self.queues[place].id
        selected = self._select_label(labels)
        history = encode_history([self._build_step(move) for move in reversed(moves)])
        return ProjectRow(
            self.project_id, no, self.batch_id, queue, way.status, 5, self.plan.consensus, selected, history
        )

    def _select_label(self, labels: list[Label]) -> str | None:
        """The reference of a benchmark; of several labels any (observed 2025-05)."""
        if not labels:
            return None
        reference = next((label for label in labels if label.is_benchmark), None)
        return (reference or labels[labels[0].no % len(labels)]).id

    def _build_moves(self, index: int, way: RowTimeline) -> Iterator[Move]:
        """The moves of a row, the oldest first (key sets per action: sample, cc-data-processing).

        A row has no moves until its last label, which moves it twice (observed 2024-12).
        """
        if not way.complete or way.sent is None:
            return
        labelling, review, rework = (queue.id for queue in self.queues)
        labeller = self._choose_labeller(index, len(way.labelled) - 1)
        yield Move(way.sent, "Move", labeller, None, labelling)
        yield Move(way.sent + BETWEEN_MOVES, "Move", labeller, labelling, None if way.skipped else review)
        if way.judged is not None:
            approved = way.status == WorkflowStatus.DONE
            action, target = ("Approve", None) if approved else ("Reject", rework)
            yield Move(way.judged, action, self._choose_reviewer(index), review, target)
        if way.reopened is not None and way.approved_again is not None:
            # A row that comes back from Done has no previous task (sample).
            yield Move(way.reopened, "Move", self._manager, None, review)
            yield Move(way.approved_again, "Approve", self._choose_reviewer(index), review, None)

    def _build_step(self, move: Move) -> WorkflowStep:
        at, action, by, previous, following = move
        names = self._names
        return WorkflowStep(
            action, format_moment(at), names[by],
            None if previous is None else names[previous], previous, None if following is None else names[following],
            following,
        )  # fmt: skip

    def _build_labels(self, index: int, no: int, way: RowTimeline, chance: Chance) -> Iterator[Label]:
        """One by each labeller, in the order of their work."""
        several = way.complete and len(way.labelled) > 1
        benchmark = index < self.plan.benchmarks and not way.skipped
        consensus = chance.randint(5000, 10_000) / 10_000 if several and not benchmark else None
        for take, content in enumerate(way.labelled):
            body = self.skipped_body if way.skipped else self.bodies[take][index % len(self.bodies[take])]
            to_review = chance.randint(5, 120) if way.judged is not None else 0
            # Work on what was rejected, or was taken back from Done.
            to_rework = chance.randint(5, 90) if way.reworked else 0
            to_create = chance.randint(20, 900) + to_review + to_rework
            opened = content - to_create * SECOND
            if take:
                label_id = ids.cuid(opened, *self.root, "label", index, take)
            else:
                label_id = self._label_ids.cuid(opened, index)
            yield Label(
                no=self.numbers.next("label"), id=label_id, project_id=self.project_id, data_row_no=no,
                feature_prefix=ids.feature_prefix(label_id), skipped=way.skipped, body_id=body,
                seconds_to_create=to_create, seconds_to_review=to_review,
                seconds_to_rework=to_rework, is_benchmark=benchmark and take == 0, consensus_score=consensus,
                benchmark_score=chance.randint(55, 98) / 100 if benchmark and take else None,
                created_by=self._choose_labeller(index, take), created_at=round_to_second(content),
                # The score of a consensus changes all labels that it is about (observed 2024-12).
                updated_at=way.sent if several and way.sent else content, content_updated_at=content, deleted=False,
            )  # fmt: skip

    def _build_reviews(self, labels: list[Label], moves: list[Move]) -> Iterator[Review]:
        for label in labels:
            for number, move in enumerate(moves):
                if move.action in {"Approve", "Reject"}:
                    score = 1.0 if move.action == "Approve" else -1.0
                    review = ids.cuid(move.at, label.id, "review", number)
                    yield Review(self.numbers.next("review"), review, label.no, score, move.by, move.at, move.at)

    def _build_issue(self, index: int, no: int, way: RowTimeline, labels: list[Label]) -> Iterator[Record]:
        """About a label, every third about the data row; every second is resolved, with an answer."""
        chance = Chance(*self.root, "issue", index)
        assert way.raised is not None, "only called for rows that have one"
        number, raised, ended = self.numbers.next("issue"), way.raised, way.resolved
        about = None if index % 3 == 2 else labels[0].id
        status = IssueStatus.OPEN if ended is None else IssueStatus.RESOLVED
        by = self._choose_reviewer(index)
        yield Issue(
            number, ids.cuid(raised, *self.root, "issue", index), self.project_id, no, about, status,
            chance.choice(load_table("sentences_en")), by, raised, raised if ended is None else ended, deleted=False,
        )  # fmt: skip
        answers = [(by, raised)] if ended is None else [(by, raised), (self._choose_labeller(index, 0), ended)]
        for place, (person, at) in enumerate(answers):
            comment = ids.cuid(at, *self.root, "comment", index, place)
            yield Comment(
                self.numbers.next("comment"), comment, number, chance.choice(load_table("sentences_en")), person, at
            )

    # Who

    @property
    def _manager(self) -> str:
        return self.organized.people[0].id

    def _choose_labeller(self, index: int, take: int) -> str:
        people = self.organized.people
        return people[1 + (index + take) % (len(people) - 1)].id if len(people) > 1 else people[0].id

    def _choose_reviewer(self, index: int) -> str:
        """The person after the row's labellers; the manager where all others labelled it."""
        people, takes = self.organized.people, self._count_labels(index)
        return people[1 + (index + takes) % (len(people) - 1)].id if takes < len(people) - 1 else people[0].id
