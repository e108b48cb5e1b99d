"""Turns scenario and seed into a world: people, datasets, projects, and the history of every data row until `ends`."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from mockserver.generate import features
from mockserver.generate.chance import Chance
from mockserver.generate.consensus import move_objects
from mockserver.generate.data_rows import IMPORTED, DataRows, draw_vector
from mockserver.generate.labeling_history import BATCHED, LabelingHistory
from mockserver.generate.media.generator import get_generator
from mockserver.generate.models import ModelRuns
from mockserver.generate.numbers import Numbers
from mockserver.generate.organization import Organized, organize
from mockserver.generate.plans import ProjectPlan, Scenario
from mockserver.generate.slices import build_slices
from mockserver.world import ids
from mockserver.world.clock import DAY, HOUR, SECOND
from mockserver.world.media import BY_NAME
from mockserver.world.record import JsonText, Record
from mockserver.world.records.data_rows import Dataset
from mockserver.world.records.labels import Body
from mockserver.world.records.people import ProjectMember
from mockserver.world.records.projects import Batch, Ontology, Project, ProjectTag
from mockserver.world.records.workspace import GENERATED, Workspace

PIECE = 5000
"""Records handed on at a time: memory stays flat whatever the size of the world."""


def build_world(
    scenario: Scenario, *, name: str, seed: int, ends: int | None = None, part: range | None = None
) -> tuple[Workspace, Iterator[list[Record]]]:
    """The world of a scenario, in pieces that are small whatever its size. `ends` in microseconds UTC.

    `part` leaves out all other rows of its only project, which has labelled rows alone. The rows that are left have the
    numbers, ids and timestamps that they have in the whole world.
    """
    end = scenario.ends_at if ends is None else ends
    organized = organize(scenario, seed, end)
    date = scenario.payload_date
    workspace = Workspace(
        GENERATED, name, seed, end, GENERATED, 0, organized.organization.id, organized.people[0].id,
        switches=scenario.switches.text(), payload_date=None if date is None else date.isoformat(),
        faults=JsonText(msgspec.json.encode(scenario.faults).decode()),
        files=JsonText(msgspec.json.encode(scenario.files).decode()),
    )  # fmt: skip

    def build_batches() -> Iterator[list[Record]]:
        yield organized.records
        numbers = Numbers()
        ontologies = {
            key: features.build_ontology(seed, key, plan, created=end - IMPORTED)
            for key, plan in scenario.ontologies.items()
        }
        for key, ontology in ontologies.items():
            yield [_build_ontology_record(key, ontology, scenario, organized, end)]
        histories: dict[str, ProjectHistory] = {}
        rows = ImportCount(sum(plan.rows for plan in scenario.projects if plan.rows_of is None))
        for place, plan in enumerate(scenario.projects):
            project = ProjectHistory(
                plan, ontologies[plan.ontology], organized, numbers, seed, end, place=place, imported=rows, part=part
            )
            rows.before += plan.rows if plan.rows_of is None else 0
            project.join_rows(histories)
            histories[plan.name] = project
        runs = ModelRuns(scenario, ontologies, organized, numbers, seed, end)
        yield runs.records
        for history in histories.values():
            yield from runs.add_runs(history.plan.name, history.id, history.build_batches())
        yield build_slices(scenario, organized, seed, end)

    return workspace, build_batches()


def _build_ontology_record(
    key: str, ontology: features.Ontology, scenario: Scenario, organized: Organized, end: int
) -> Ontology:
    created = end - IMPORTED
    media = BY_NAME[scenario.ontologies[key].media].wire
    return Ontology(ontology.id, key, None, media, ontology.normalized, organized.people[0].id, created, created)


class ImportCount:
    """The number of rows that come before those of the next project, of the `total` of a world."""

    def __init__(self, total: int) -> None:
        self.total, self.before = total, 0


class ProjectHistory:
    """One project of a scenario, from the import of its rows to the last review.

    A project with `rows_of` labels the rows of another; otherwise it brings rows of its own.
    """

    def __init__(
        self,
        plan: ProjectPlan,
        ontology: features.Ontology,
        organized: Organized,
        numbers: Numbers,
        seed: int,
        end: int,
        *,
        place: int,
        imported: ImportCount,
        part: range | None = None,
    ) -> None:
        self.indices = range(plan.rows) if part is None else part
        self.plan, self.ontology, self.organized, self.numbers = plan, ontology, organized, numbers
        self.seed, self.end = seed, end
        # Lists are sorted by it: the scenario's order.
        self.made = end - IMPORTED - DAY + place * SECOND
        self.generator = get_generator(plan.asset_media)
        self.root = (seed, "project", plan.name)
        self.id = ids.cuid(self.made, *self.root)
        self.labelling = LabelingHistory(plan, organized, numbers, project_id=self.id, root=self.root, end=end)
        self.rows = DataRows(
            plan, self.generator, organized, numbers, seed=seed, end=end, before=imported.before, total=imported.total
        )
        self.sharers: list[LabelingHistory] = []
        """The work of the projects that label these rows, its own first."""

    def join_rows(self, others: dict[str, ProjectHistory]) -> None:
        """Joins the rows of the project that `rows_of` names, or brings rows of its own."""
        owner = self if self.plan.rows_of is None else others[self.plan.rows_of]
        self.rows = owner.rows
        owner.sharers.append(self.labelling)

    def build_batches(self) -> Iterator[list[Record]]:
        yield [
            self._build_project(),
            *self._build_tags(),
            *self._build_dataset(),
            *self.labelling.queues,
            self._build_batch(),
            *self._build_members(),
        ]
        yield list(self._build_bodies())
        piece: list[Record] = []
        self._skip_rows()
        for index in self.indices:
            way = self.labelling.build_timeline(index)
            if self.sharers:
                others = [sharer.find_last_activity(index) for sharer in self.sharers if sharer is not self.labelling]
                last = max([way.find_last_activity(self.labelling.entered), *others])
                piece += self.rows.build_records(index, last_activity=last)
            piece += self.labelling.build_records(index, self.rows.number(index), way)
            if len(piece) > PIECE:
                yield piece
                piece = []
        yield piece

    def _skip_rows(self) -> None:
        """Counts the rows and labels that are in front of the first row that is built."""
        self.numbers.data_row += self.indices.start
        self.numbers.label += self.labelling.count_labels(self.indices.start)

    def _build_project(self) -> Project:
        created = self.made
        return Project(
            id=self.id, name=self.plan.name, description=self.plan.description,
            allowed_media_type=self.generator.media.wire, queue_mode="BATCH",
            editor_task_type=self.generator.media.editor_task_type,
            ontology_id=self.ontology.id, labeling_frontend_id=self.organized.frontend.id,
            is_benchmark_enabled=self.plan.benchmarks > 0, is_consensus_enabled=self.plan.consensus > 1,
            auto_audit_percentage=1.0, auto_audit_number_of_labels=self.plan.consensus, setup_complete=created + HOUR,
            shows_predictions=False, model_setup_complete=None,
            created_by=self.organized.people[0].id, created_at=created, updated_at=self.end - DAY, deleted=False,
        )  # fmt: skip

    def _build_tags(self) -> Iterator[ProjectTag]:
        for text in self.plan.tags:
            yield ProjectTag(self.id, self.organized.tags[text])

    def _build_dataset(self) -> Iterator[Dataset]:
        """The dataset of the rows, unless they are another project's."""
        if self.sharers:
            created = self.end - IMPORTED - DAY
            person = self.organized.people[0].id
            yield Dataset(self.rows.dataset_id, self.plan.dataset_name, None, person, created, created, deleted=False)

    def _build_batch(self) -> Batch:
        created = self.end - BATCHED
        person = self.organized.people[0].id
        name = f"{self.plan.name} batch 1"
        coverage = 1.0 if self.plan.consensus > 1 else 0.0
        return Batch(
            self.labelling.batch_id,
            self.id,
            name,
            self.plan.rows,
            self.plan.consensus,
            coverage,
            person,
            created,
            created,
        )

    def _build_members(self) -> Iterator[ProjectMember]:
        for person in self.organized.people:
            member = ids.cuid(self.made, *self.root, "member", person.email)
            yield ProjectMember(member, self.id, person.id, person.role_id, "PROJECT_MEMBERSHIP")

    def _build_bodies(self) -> Iterator[Record]:
        """The bodies that the rows share: for each variant one of every labeller."""
        takes = 2 if self.plan.benchmarks else self.plan.consensus
        self.labelling.bodies = [[] for _ in range(takes)]
        source = self.plan.rows_of or self.plan.name
        for number in range(min(self.rows.plan.variants, max(self.rows.plan.rows, 1))):
            variant = self.rows.generator.build_variant(self.seed, source, number, self.ontology)
            for take in range(takes):
                chance = Chance(*self.root, "view", number, take)
                content = variant.content if take == 0 else move_objects(variant.content, chance)
                self.labelling.bodies[take].append(self.numbers.next("body"))
                yield Body(self.labelling.bodies[take][-1], content, variant.aside)
            if self.sharers:
                self.rows.media_attributes.append(variant.media_attributes)
                if self.plan.embeddings:
                    self.rows.vectors.append(self.numbers.next("body"))
                    yield Body(self.rows.vectors[-1], draw_vector(Chance(*self.root, "vector", number)), None)
        self.labelling.skipped_body = self.numbers.next("body")
        yield Body(self.labelling.skipped_body, self.generator.empty_body, None)
