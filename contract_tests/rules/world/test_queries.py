"""Every query of the world on both engines, compared with the same figure counted from its records."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from statistics import fmean
from typing import Any

import pytest

from contract_tests.rules.worlds import open_store
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.changes.labels import LabelChanges
from mockserver.world.clause import EVERYTHING, FEW, Clause
from mockserver.world.database import Connection, Database, Source
from mockserver.world.queries import conditions, events, labels, projects, sources
from mockserver.world.record import R, Record
from mockserver.world.records.data_rows import DataRow, Dataset, EmbeddingVector
from mockserver.world.records.events import Event
from mockserver.world.records.labels import Label, ProjectRow, Review, WorkflowStatus
from mockserver.world.records.models import Model, ModelRun, ModelRunRow
from mockserver.world.records.people import Person
from mockserver.world.records.projects import Project, ProjectTag, ResourceTag, TaskQueue
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Store

BODY = b'{"objects":[],"classifications":[],"relationships":[]}'


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator["World"]:
    """The default world, read by all tests; see `change_world`."""
    database: Database = SqliteDatabase(tmp_path_factory.mktemp("queries") / "world.sqlite")
    if request.param == "postgres":
        database = request.getfixturevalue("catalog").create_life("queries")
    with open_store(database) as store:
        change_world(store)
        yield World(store)


def change_world(store: Store) -> None:
    """Deletes a data row and a label in each of two projects, and reviews a label in three."""
    for name in ("image", "text"):
        [project] = projects_named(name, store)
        with store.reading() as connection:
            rows = connection.select(ProjectRow, Clause("project_id = :id", id=project.id), order="data_row_no")
            deleted = connection.select(DataRow, Clause("no = :no", no=rows[0].data_row_no))[0]
        label = first_label(store, project, without=deleted.no)
        CatalogChanges(store).delete_data_rows([deleted.id])
        LabelChanges(store).create_review(label.id, score=1.0)
        LabelChanges(store).delete_labels([label.id])
    [project] = projects_named("video", store)
    LabelChanges(store).create_review(first_label(store, project).id, score=-1.0)


def projects_named(name: str, store: Store) -> list[Project]:
    with store.reading() as connection:
        return connection.select(Project, Clause("name = :name", name=name))


def first_label(store: Store, project: Project, *, without: int = 0) -> Label:
    """The first label of a project that is not on the data row of this number."""
    others = Clause("project_id = :id AND data_row_no <> :no", id=project.id, no=without)
    with store.reading() as connection:
        return connection.select(Label, others, order="no")[0]


class World:
    """The records of a store, to count from."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.rows = {row.no: row for row in self.all(DataRow)}
        self.live = {no for no, row in self.rows.items() if not row.deleted}
        self.labels = [label for label in self.all(Label) if not label.deleted]
        self.project_rows = self.all(ProjectRow)
        self.projects = self.all(Project)

    def all(self, kind: type[R], clause: Clause = EVERYTHING) -> list[R]:
        with self.store.reading() as connection:
            return connection.select(kind, clause)

    def ids(self, kind: type[R], clause: Clause) -> set[str]:
        return {str(getattr(record, "id")) for record in self.all(kind, clause)}  # noqa: B009  R is any record

    def rows_in(self, project: Project) -> list[ProjectRow]:
        return [row for row in self.project_rows if row.project_id == project.id and row.data_row_no in self.live]

    def labels_in(self, project: Project) -> list[Label]:
        return [label for label in self.labels if label.project_id == project.id]

    def ask(self, query: Any, *arguments: Any) -> Any:
        with self.store.reading() as connection:
            return query(connection, *arguments)


# Projects and datasets


def test_live_rows_labels_and_finished_rows_of_a_project_are_counted(world: World) -> None:
    for project in world.projects:
        rows = world.rows_in(project)
        done = [row for row in rows if row.workflow_status == WorkflowStatus.DONE]
        on_live = [label for label in world.labels_in(project) if label.data_row_no in world.live]
        assert world.ask(projects.count_rows_of_projects, [project.id]) == {project.id: len(rows)}
        assert world.ask(projects.count_done_rows, project.id) == len(done)
        assert world.ask(projects.count_labels, project.id) == len(on_live)


def test_the_last_activity_of_a_project_is_that_of_a_live_row(world: World) -> None:
    for project in world.projects:
        timestamps = [world.rows[row.data_row_no].last_activity_at for row in world.rows_in(project)]
        latest = max(timestamps, default=None)
        assert world.ask(projects.find_last_activities, [project.id]) == {project.id: latest}


def test_live_rows_of_datasets_are_counted(world: World) -> None:
    sizes = Counter(world.rows[no].dataset_id for no in world.live)
    assert world.ask(projects.count_rows_by_dataset) == dict(sizes)
    for dataset in world.all(Dataset):
        assert world.ask(projects.count_rows_of_dataset, dataset.id) == sizes[dataset.id]


def test_rows_and_labels_of_all_projects_are_counted_in_one_query_each(world: World) -> None:
    rows = {(project.id, row.workflow_status) for project in world.projects for row in world.rows_in(project)}
    counts = world.ask(projects.count_rows_by_project)
    assert {(project, status) for project, status, _ in counts} == rows
    assert sum(count for _, _, count in counts) == sum(len(world.rows_in(project)) for project in world.projects)
    on_live = [label for label in world.labels if label.data_row_no in world.live]
    assert world.ask(projects.count_labels_by_project) == Counter(label.project_id for label in on_live)
    runs = Counter(row.model_run_id for row in world.all(ModelRunRow) if row.data_row_no in world.live)
    assert world.ask(projects.count_rows_by_model_run) == runs


@pytest.mark.parametrize("most", [0, 3, 10**6])
def test_rows_are_counted_up_to_a_bound(world: World, most: int) -> None:
    deleted = Clause("dr.deleted")
    assert world.ask(projects.count_up_to, sources.DATA_ROWS, deleted, most) == min(
        len(world.rows) - len(world.live), most
    )


def test_rows_are_counted_by_state_and_by_whether_all_their_labels_are_skipped(world: World) -> None:
    for project in world.projects:
        skipped: dict[int, list[bool]] = defaultdict(list)
        for label in world.labels_in(project):
            skipped[label.data_row_no].append(label.skipped)
        expected = Counter(
            (row.workflow_status, all(skipped[row.data_row_no]) if skipped[row.data_row_no] else None)
            for row in world.rows_in(project)
        )
        groups = world.ask(projects.count_rows_by_state, project.id, [])
        assert {(status, None if every is None else bool(every)): count for status, every, count in groups} == expected
        batch = world.rows_in(project)[0].batch_id if world.rows_in(project) else "none"
        of_batch = [row for row in world.rows_in(project) if row.batch_id == batch]
        assert sum(count for *_, count in world.ask(projects.count_rows_by_state, project.id, [batch])) == len(of_batch)


def test_the_rows_in_a_queue_are_counted(world: World) -> None:
    for queue in world.all(TaskQueue):
        queued = [row for row in world.project_rows if row.task_queue_id == queue.id and row.data_row_no in world.live]
        assert world.ask(projects.count_queued_rows, queue.id, EVERYTHING) == len(queued)


# Labels


def test_each_labeler_of_a_project_is_measured(world: World) -> None:
    for project in world.projects:
        by_user: dict[str, list[Label]] = defaultdict(list)
        for label in world.labels_in(project):
            by_user[label.created_by].append(label)
        measured = world.ask(labels.measure_labelers, project.id)
        assert [(user, count) for user, count, *_ in measured] == sorted(
            ((user, len(own)) for user, own in by_user.items()), key=lambda item: (-item[1], item[0])
        )
        for user, _, seconds, consensus, benchmark, last in measured:
            own = by_user[user]
            assert (seconds, last) == (
                sum(each.seconds_to_create for each in own),
                max(each.updated_at for each in own),
            )
            assert consensus == pytest.approx(mean(each.consensus_score for each in own))
            assert benchmark == pytest.approx(mean(each.benchmark_score for each in own))


def mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


@pytest.mark.parametrize(
    ("having", "holds"),
    [
        ("SUM(r.score) IS NULL", lambda scores: not scores),
        ("SUM(r.score) > 0", lambda scores: bool(scores) and sum(scores) > 0),
        ("SUM(r.score) < 0", lambda scores: bool(scores) and sum(scores) < 0),
    ],
)
def test_labels_are_counted_by_what_their_reviews_sum_up_to(world: World, having: str, holds: Any) -> None:
    scores: dict[int, list[float]] = defaultdict(list)
    for review in world.all(Review):
        scores[review.label_no].append(review.score)
    for project in world.projects:
        expected = sum(holds(scores[label.no]) for label in world.labels_in(project))
        assert world.ask(labels.count_labels_by_reviews, project.id, having) == expected


def test_a_benchmark_is_compared_with_the_other_labels_of_its_row(world: World) -> None:
    for benchmark in [label for label in world.labels if label.is_benchmark]:
        place = (benchmark.project_id, benchmark.data_row_no)
        others = [
            each for each in world.labels if (each.project_id, each.data_row_no) == place and not each.is_benchmark
        ]
        count, score, last = world.ask(labels.measure_benchmark, *place)
        assert (count, last) == (len(others), max((each.updated_at for each in others), default=None))
        assert score == pytest.approx(mean(each.benchmark_score for each in others))


def test_the_first_user_without_a_label_on_a_row_labels_it_next(world: World) -> None:
    users = [user.id for user in sorted(world.all(Person), key=lambda user: (user.created_at, user.id))]
    label = world.labels[0]
    place = (label.project_id, label.data_row_no)
    labelled = {each.created_by for each in world.labels if (each.project_id, each.data_row_no) == place}
    expected = next((user for user in users if user not in labelled), None)
    assert world.ask(labels.find_other_labeler, *place) == expected


def test_reviews_are_counted_only_as_far_as_needed(world: World) -> None:
    count = len(world.all(Review))
    assert [world.ask(labels.has_fewer_reviews, number) for number in (1, count, count + 1)] == [False, False, True]


# Events


def test_the_row_that_was_touched_last_is_that_of_the_newest_event(world: World) -> None:
    numbers = {row.id: no for no, row in world.rows.items()}
    for project in world.projects:
        touched = [
            numbers[event.data_row_id] for event in world.all(Event)
            if event.project_id == project.id and event.data_row_id is not None
        ]  # fmt: skip
        assert world.ask(events.find_last_touched_row, project.id) == (touched[-1] if touched else 0)


def test_events_of_a_project_are_those_about_it_or_its_rows(world: World) -> None:
    for project in world.projects:
        own = {world.rows[row.data_row_no].id for row in world.project_rows if row.project_id == project.id}
        expected = {
            event.no for event in world.all(Event)
            if event.project_id == project.id
            or (event.project_id is None and (event.data_row_id is None or event.data_row_id in own))
        }  # fmt: skip
        assert {event.no for event in world.all(Event, events.match_events_of_project(project.id))} == expected


def test_events_are_counted_from_a_number_on(world: World) -> None:
    numbers = [event.no for event in world.all(Event)]
    assert world.ask(events.count_since, 1) == (len(numbers) - 1, max(numbers))
    assert world.ask(events.count_since, max(numbers)) == (0, None)


def test_an_event_without_a_delivery_was_sent_to_nobody(world: World) -> None:
    assert len(world.all(Event, events.match_unsent_events("nobody"))) == len(world.all(Event)) > 4


# Conditions and sources


def test_tags_are_in_a_project_or_missing(world: World) -> None:
    every = {tag.id for tag in world.all(ResourceTag)}
    for project in world.projects:
        own = {tag.tag_id for tag in world.all(ProjectTag) if tag.project_id == project.id}
        assert world.ids(ResourceTag, conditions.match_tags_of_project(project.id)) == own
        assert world.ids(ResourceTag, conditions.match_missing_tags(project.id)) == every - own


def test_projects_and_datasets_are_connected_by_live_rows(world: World) -> None:
    pairs = {
        (row.project_id, world.rows[row.data_row_no].dataset_id)
        for row in world.project_rows
        if row.data_row_no in world.live
    }
    for project in world.projects:
        connected = {dataset for of, dataset in pairs if of == project.id}
        assert world.ids(Dataset, conditions.match_datasets_of_project(project.id)) == connected
    for dataset in world.all(Dataset):
        connected = {project for project, of in pairs if of == dataset.id}
        assert world.ids(Project, conditions.match_projects_of_dataset(dataset.id)) == connected


def test_project_rows_are_live_or_labelled(world: World) -> None:
    labelled = {(label.project_id, label.data_row_no) for label in world.labels if not label.skipped}
    keys = {(row.project_id, row.data_row_no) for row in world.project_rows}
    live = world.all(ProjectRow, conditions.match_live_row())
    assert {(row.project_id, row.data_row_no) for row in live} == {key for key in keys if key[1] in world.live}
    with_labels = world.all(ProjectRow, conditions.match_labelled_rows())
    assert {(row.project_id, row.data_row_no) for row in with_labels} == keys & labelled


def test_a_subquery_finds_the_records_that_others_name(world: World) -> None:
    reviewed = {review.label_no for review in world.all(Review)}
    assert {label.no for label in world.all(Label, conditions.match_reviewed_labels())} == reviewed
    by_subquery = world.all(Label, conditions.match_subquery("no", Review, "label_no"))
    assert {label.no for label in by_subquery} == reviewed
    others = world.all(Label, conditions.exclude_subquery("no", Review, "label_no"))
    assert {label.no for label in others}.isdisjoint(reviewed)
    runs = world.all(ModelRun, conditions.match_live_model())
    assert {run.model_id for run in runs} <= {model.id for model in world.all(Model) if not model.deleted}


def test_each_source_has_the_rows_of_its_tables(world: World) -> None:
    tables: list[tuple[Source, type[Record]]] = [
        (sources.DATA_ROWS, DataRow),
        (sources.PROJECT_ROWS, ProjectRow),
        (sources.MODEL_RUN_ROWS, ModelRunRow),
        (sources.LABELS, Label),
        (sources.EMBEDDING_VECTORS, EmbeddingVector),
    ]
    with closing(world.store.snapshot()) as snapshot:
        for source, kind in tables:
            assert snapshot.count_rows(source, EVERYTHING) == snapshot.count(kind)
            assert numbers(snapshot.select_columns(source, "dr.no", order="dr.no")) == batches(snapshot, source)


def numbers(rows: list[tuple[Any, ...]]) -> list[int]:
    return [row[0] for row in rows]


def batches(connection: Connection, source: Any) -> list[int]:
    read = connection.select_batches(source, "dr.no", EVERYTHING, order="dr.no", size=7)
    return [number for rows in read for number in numbers(rows)]


def test_rows_with_a_status_in_a_project_are_found(world: World) -> None:
    [project] = [project for project in world.projects if project.name == "image"]
    to_label = conditions.match_rows_with_status(project.id, WorkflowStatus.TO_LABEL)
    with world.store.reading() as connection:
        matches = numbers(connection.select_columns(sources.DATA_ROWS, "dr.no", to_label, order="dr.no"))
    assert matches == sorted(
        row.data_row_no for row in world.project_rows
        if row.project_id == project.id and row.workflow_status == WorkflowStatus.TO_LABEL
    )  # fmt: skip


@pytest.mark.parametrize("names", [["\0"], ["a\0b", "image"], ["\0", *map(str, range(FEW)), "image"]])
def test_a_query_for_a_text_with_nul_finds_what_else_is_there(world: "World", names: list[str]) -> None:
    condition = Clause("name IN :names", names=names)
    known = ["image"] if "image" in names else []
    with world.store.reading() as connection:
        assert [project.name for project in connection.select(Project, condition)] == known
    with closing(world.store.snapshot()) as snapshot:
        batches = snapshot.select_batches(Project, "name", Clause("name = :name", name=names[0]), order="id", size=2)
        assert list(batches) == []
    with world.store.change() as change:
        assert change.connection.find(Project, Clause("name = :name", name=names[0])) is None
