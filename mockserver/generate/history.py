"""Scenario and seed become a world: people, datasets, projects, and what happened to every data row until `ends`."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import msgspec
import orjson

from mockserver.generate import features
from mockserver.generate.chance import Chance
from mockserver.generate.media.medium import Variant, medium_of
from mockserver.generate.organization import BUILT_IN_EMBEDDING, Organized, organize
from mockserver.generate.scenario import ProjectPlan, Scenario
from mockserver.generate.words import table
from mockserver.world import ids
from mockserver.world.clock import DAY, HOUR, SECOND
from mockserver.world.data_rows import Attachment, DataRow, Dataset, EmbeddingVector, MetadataValue
from mockserver.world.database import JsonText, Record
from mockserver.world.labels import Body, Label, ProjectRow, Review, WorkflowStatus, WorkflowStep
from mockserver.world.people import ProjectMember
from mockserver.world.projects import Batch, Ontology, Project, TaskQueue, queues_of_new_project
from mockserver.world.store import GENERATED, Workspace

IMPORTED = 40 * DAY
BATCHED = 29 * DAY
LABELLED = 28 * DAY
"""How long before the end rows were imported, sent to the project, and first labelled."""
LABELLING_LASTED = 24 * DAY
"""So that every review and rework also lies before the end."""

STATUSES = (
    WorkflowStatus.DONE,
    WorkflowStatus.IN_REVIEW,
    WorkflowStatus.DONE,
    WorkflowStatus.IN_REWORK,
    WorkflowStatus.DONE,
)
"""Labelled rows take these in turn."""


class Numbers(msgspec.Struct):
    """The next number of each numbered table."""

    data_row: int = 0
    label: int = 0
    body: int = 0
    step: int = 0
    review: int = 0
    attachment: int = 0

    def next(self, table_name: str) -> int:
        number: int = getattr(self, table_name) + 1
        setattr(self, table_name, number)
        return number


def build(
    scenario: Scenario, *, name: str, seed: int, ends: int | None = None
) -> tuple[Workspace, Iterator[list[Record]]]:
    """The world of a scenario, in pieces that are small whatever its size. `ends` in microseconds UTC."""
    end = scenario.ends_at if ends is None else ends
    organized = organize(scenario, seed, end)
    workspace = Workspace(GENERATED, name, seed, end, GENERATED, 0, organized.organization.id, organized.people[0].id)

    def pieces() -> Iterator[list[Record]]:
        yield organized.records
        numbers = Numbers()
        ontologies = {key: features.build(seed, key, plan) for key, plan in scenario.ontologies.items()}
        for key, ontology in ontologies.items():
            yield [_ontology_record(key, ontology, scenario, organized, end)]
        for plan in scenario.projects:
            yield from ProjectHistory(plan, ontologies[plan.ontology], organized, numbers, seed, end).pieces()

    return workspace, pieces()


def _ontology_record(
    key: str, ontology: features.Ontology, scenario: Scenario, organized: Organized, end: int
) -> Ontology:
    made = end - IMPORTED
    media = medium_of(scenario.ontologies[key].media).media_type
    return Ontology(ontology.id, key, None, media, ontology.normalized, organized.people[0].id, made, made)


class ProjectHistory:
    """One project of a scenario, from the import of its rows to the last review."""

    def __init__(
        self,
        plan: ProjectPlan,
        ontology: features.Ontology,
        organized: Organized,
        numbers: Numbers,
        seed: int,
        end: int,
    ) -> None:
        self.plan, self.ontology, self.organized, self.numbers = plan, ontology, organized, numbers
        self.medium = medium_of(plan.media)
        self.seed, self.end = seed, end
        self.root = (seed, "project", plan.name)
        self.id = ids.cuid(*self.root)
        self.dataset_id = ids.cuid(seed, "dataset", plan.dataset_name)
        self.batch_id = ids.time_uuid(*self.root, "batch")
        queue_ids = tuple(ids.random_uuid(*self.root, "queue", index) for index in range(3))
        self.queues: list[TaskQueue] = queues_of_new_project(self.id, (queue_ids[0], queue_ids[1], queue_ids[2]))
        self.bodies: list[int] = []
        self.vectors: list[int] = []
        self.variants: list[Variant] = []
        self.skipped_body = 0

    def pieces(self) -> Iterator[list[Record]]:
        yield [self._project(), self._dataset(), *self.queues, self._batch(), *self._members()]
        yield list(self._bodies())
        piece: list[Record] = []
        for index in range(self.plan.rows):
            piece += self._row(index)
            if len(piece) > 5000:
                yield piece
                piece = []
        yield piece

    def _project(self) -> Project:
        made = self.end - IMPORTED - DAY
        return Project(
            id=self.id, name=self.plan.name, description=self.plan.description,
            allowed_media_type=self.medium.media_type, queue_mode="BATCH",
            editor_task_type=self.medium.editor_task_type,
            ontology_id=self.ontology.id, labeling_frontend_id=self.organized.frontend.id,
            is_benchmark_enabled=False, is_consensus_enabled=False, auto_audit_percentage=1.0,
            auto_audit_number_of_labels=1, setup_complete=made + HOUR, created_by=self.organized.people[0].id,
            created_at=made, updated_at=self.end - DAY, deleted=False,
        )  # fmt: skip

    def _dataset(self) -> Dataset:
        made = self.end - IMPORTED - DAY
        person = self.organized.people[0].id
        return Dataset(self.dataset_id, self.plan.dataset_name, None, person, made, made, deleted=False)

    def _batch(self) -> Batch:
        made = self.end - BATCHED
        person = self.organized.people[0].id
        return Batch(self.batch_id, self.id, f"{self.plan.name} batch 1", self.plan.rows, 1, 0.0, person, made, made)

    def _members(self) -> Iterator[ProjectMember]:
        for person in self.organized.people:
            member = ids.cuid(*self.root, "member", person.email)
            yield ProjectMember(member, self.id, person.id, person.role_id, "PROJECT_MEMBERSHIP")

    def _bodies(self) -> Iterator[Record]:
        """The different contents that the rows will share."""
        for number in range(min(self.plan.variants, max(self.plan.rows, 1))):
            made = self.medium.variant(self.seed, self.plan.name, number, self.ontology)
            self.variants.append(msgspec.structs.replace(made, content=b""))
            self.bodies.append(self.numbers.next("body"))
            yield Body(self.bodies[-1], made.content, made.aside)
            if self.plan.embeddings:
                self.vectors.append(self.numbers.next("body"))
                yield Body(self.vectors[-1], _vector(Chance(*self.root, "vector", number)), None)
        self.skipped_body = self.numbers.next("body")
        yield Body(self.skipped_body, self.medium.empty, None)

    def _row(self, index: int) -> Iterator[Record]:
        """A data row, its surroundings, and its way through the project."""
        plan = self.plan
        chance = Chance(*self.root, "row", index)
        no = self.numbers.next("data_row")
        made = self.end - IMPORTED + self._spread(index, 10 * DAY)
        path = (self.seed, "dataset", plan.dataset_name, plan.name, index)
        steps = list(self._steps(index, no, chance))
        labels = list(self._labels(index, no, steps, chance))
        last = max([step.created_at for step in steps] + [label.updated_at for label in labels] + [made])
        number = index % len(self.variants)
        stem = f"{table('names_files')[index % len(table('names_files'))]}-{index + 1:04}"
        yield DataRow(
            no=no, id=ids.cuid(*path), dataset_id=self.dataset_id,
            external_id=f"{stem}.{self.medium.extension}" if plan.external_ids else None,
            global_key=f"{plan.name}-{stem}" if plan.global_keys else None, media_type=self.medium.media_type,
            row_data=None, asset=f"{plan.media}/{plan.name}/{number}",
            media_attributes=self.variants[number].media_attributes, created_by=self.organized.people[0].id,
            created_at=made, updated_at=made + SECOND, last_activity_at=last, deleted=False,
        )  # fmt: skip
        yield from self._surroundings(index, no, number, chance)
        yield self._standing(index, no, labels)
        yield from steps
        yield from labels
        if plan.reviews:
            yield from self._reviews(labels, steps)

    def _surroundings(self, index: int, no: int, number: int, chance: Chance) -> Iterator[Record]:
        """Metadata on most rows, an attachment on some, the built-in embedding on all."""
        if self.plan.metadata and not (self.plan.rows > 3 and index % 4 == 3):
            captured = _iso(self.end - 60 * DAY + self._spread(index, 10 * DAY))
            values = {"captureDateTime": captured, "tag": chance.pick(table("places")), "split": None}
            for name, given in values.items():
                schema = self.organized.metadata[name]
                value = given or self.organized.metadata[chance.pick(("train", "valid", "test"))]
                yield MetadataValue(no, schema, JsonText(orjson.dumps(value).decode()))
        if self.plan.attachments and index % 3 == 0:
            attachment = ids.cuid(*self.root, "attachment", index)
            note = chance.pick(table("sentences_en"))
            yield Attachment(self.numbers.next("attachment"), attachment, no, "RAW_TEXT", note, "note")
        if self.vectors:
            yield EmbeddingVector(no, BUILT_IN_EMBEDDING, self.vectors[number])

    def _status(self, index: int) -> WorkflowStatus:
        """Rows come labelled first, then skipped, then unlabelled."""
        if index < self.plan.labelled:
            return STATUSES[index % len(STATUSES)]
        return WorkflowStatus.DONE if index < self.plan.labelled + self.plan.skipped else WorkflowStatus.TO_LABEL

    def _standing(self, index: int, no: int, labels: list[Label]) -> ProjectRow:
        status = self._status(index)
        place = {WorkflowStatus.TO_LABEL: 0, WorkflowStatus.IN_REVIEW: 1, WorkflowStatus.IN_REWORK: 2}.get(status)
        queue = None if place is None else self.queues[place].id
        selected = labels[0].id if labels else None
        return ProjectRow(self.id, no, self.batch_id, queue, status, 5, 1, selected)

    def _steps(self, index: int, no: int, chance: Chance) -> Iterator[WorkflowStep]:
        """Moves in the order in which they happened (key sets per action: sample, cc-data-processing)."""
        labelling, review, rework = (queue.id for queue in self.queues)
        status = self._status(index)
        manager, reviewer = self.organized.people[0].id, self._reviewer(index)
        yield self._step(no, "Move", self.end - BATCHED + SECOND, manager, None, labelling)
        if status == WorkflowStatus.TO_LABEL:
            return
        labelled = self._labelled_at(index)
        if index >= self.plan.labelled:
            yield self._step(no, "Move", labelled, self._labeller(index), labelling, None)
            return
        yield self._step(no, "Move", labelled, self._labeller(index), labelling, review)
        judged = labelled + chance.between(1, 48) * HOUR + chance.below(3600) * SECOND
        if status == WorkflowStatus.DONE:
            yield self._step(no, "Approve", judged, reviewer, review, None)
        elif status == WorkflowStatus.IN_REWORK:
            yield self._step(no, "Reject", judged, reviewer, review, rework)

    def _step(
        self, no: int, action: str, at: int, by: str, previous: str | None, following: str | None
    ) -> WorkflowStep:
        return WorkflowStep(self.numbers.next("step"), self.id, no, action, at, by, previous, following)

    def _labels(self, index: int, no: int, steps: list[WorkflowStep], chance: Chance) -> Iterator[Label]:
        if self._status(index) == WorkflowStatus.TO_LABEL:
            return
        skipped = index >= self.plan.labelled
        label_id = ids.cuid(*self.root, "label", index)
        made = self._labelled_at(index)
        seconds = chance.between(20, 900)
        reviewed = len(steps) > 2
        yield Label(
            no=self.numbers.next("label"), id=label_id, project_id=self.id, data_row_no=no,
            feature_prefix=ids.feature_prefix(label_id), skipped=skipped,
            body_id=self.skipped_body if skipped else self.bodies[index % len(self.bodies)],
            seconds_to_create=seconds, seconds_to_review=chance.between(5, 120) if reviewed else 0,
            is_benchmark=False, consensus_score=None, benchmark_score=None, created_by=self._labeller(index),
            created_at=made, updated_at=steps[-1].created_at if reviewed else made, content_updated_at=made + 25_000,
            deleted=False,
        )  # fmt: skip

    def _reviews(self, labels: list[Label], steps: list[WorkflowStep]) -> Iterator[Review]:
        for label in labels:
            for number, step in enumerate(steps):
                if step.action in {"Approve", "Reject"}:
                    score = 1.0 if step.action == "Approve" else -1.0
                    review = ids.cuid(label.id, "review", number)
                    at = step.created_at
                    yield Review(self.numbers.next("review"), review, label.no, score, step.created_by, at, at)

    def _labelled_at(self, index: int) -> int:
        done = max(self.plan.labelled + self.plan.skipped, 1)
        return self.end - LABELLED + (LABELLING_LASTED * index // done) // 1000 * 1000

    def _spread(self, index: int, length: int) -> int:
        """Row `index`'s share of a stretch of time, in whole seconds."""
        return length * index // max(self.plan.rows, 1) // SECOND * SECOND

    def _labeller(self, index: int) -> str:
        people = self.organized.people
        return people[1 + index % (len(people) - 1)].id if len(people) > 1 else people[0].id

    def _reviewer(self, index: int) -> str:
        people = self.organized.people
        return people[(index + 2) % len(people)].id


def _vector(chance: Chance) -> bytes:
    """512 numbers between -1 and 1, as the built-in image embedding has."""
    return orjson.dumps([(chance.below(200_001) - 100_000) / 100_000 for _ in range(512)])


def _iso(moment: int) -> str:
    """Metadata date-times are text with a `Z` (SDK data_row_metadata.py)."""
    return datetime.datetime.fromtimestamp(moment // SECOND, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
