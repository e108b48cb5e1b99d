"""Imports of annotations beside other changes, and of servers that were stopped in the middle of one."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.rules.world.test_label_changes import project_of
from contract_tests.rules.worlds import build_database, open_store
from mockserver.errors import Conflict
from mockserver.jobs.annotation_imports import AnnotationImports
from mockserver.jobs.annotation_work import BYTES_TOGETHER
from mockserver.jobs.long_changes import LongChanges
from mockserver.jobs.uploads import Uploads
from mockserver.links import Links
from mockserver.results.budget import Budget
from mockserver.results.folder_results import FolderReader, FolderResults
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.clause import Clause
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.events import Event, EventKind
from mockserver.world.records.imports import AnnotationImport, AnnotationKind
from mockserver.world.records.labels import Label
from mockserver.world.store import Hooks, Store

PADDING = b" " * BYTES_TOGETHER
"""A line with it is the last one of its transaction, so each data row has a transaction of its own."""


class Interrupted(FolderResults):
    """Results that call a function before each read of an upload: the moments in which an import works."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.before_read: Callable[[], None] = lambda: None

    def open(self, name: str) -> FolderReader:
        results = self

        class Reader(FolderReader):
            def read(self, first: int, most: int) -> bytes:
                results.before_read()
                return super().read(first, most)

        return Reader(self._folder / name)


class World:
    """A world, and what imports labels into its project of pictures."""

    def __init__(self, store: Store, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.store, self.results = store, Interrupted(folder)
        self.long_changes = LongChanges(store)
        self.uploads = Uploads(store, Links.from_secret("secret"), self.results, Budget(2**30))
        self.project = project_of(store)
        numbers = "SELECT data_row_no FROM project_row WHERE project_id = :id"
        with store.reading() as connection:
            data_rows = connection.select(DataRow, Clause(f"no IN ({numbers})", id=self.project), order="no", first=3)
        self.rows = [row.id for row in data_rows]

    def open_imports(self, threads: ThreadPoolExecutor) -> AnnotationImports:
        """Creates the part, as a server does that opens the workspace."""
        return AnnotationImports(self.store, self.uploads, self.long_changes, threads)

    def run(self, threads: ThreadPoolExecutor) -> AnnotationImport:
        """Imports a label for each row."""
        file = self.uploads.receive("labels.ndjson", None, "upload")
        for row in self.rows:
            line = {"uuid": row, "dataRow": {"id": row}, "name": "Traffic light", "point": {"x": 1, "y": 2}}
            file.write(json.dumps(line).encode()[:-1] + PADDING + b"}\n")
        file.close()
        with self.long_changes.turn_in_thread():
            return self.open_imports(threads).run_file(AnnotationKind.LABELS, self.project, "labels", file)

    def find_import(self) -> AnnotationImport:
        with self.store.reading() as connection:
            [record] = connection.select(AnnotationImport)
        return record

    def list_labels(self) -> list[str]:
        """The data rows of the labels that were imported."""
        with self.store.reading() as connection:
            events = connection.select(Event, Clause("kind = :kind", kind=EventKind.LABEL_CREATED), order="no")
            labels = {label.id for label in connection.select(Label, Clause("NOT deleted"))}
        return [event.data_row_id or "" for event in events if event.label_id in labels]

    def read_statuses(self) -> list[tuple[str, str]]:
        lines = self.uploads.read(self.find_import().status_id).splitlines()
        return [(status["dataRow"].get("id"), status["status"]) for status in map(json.loads, lines)]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


@contextmanager
def open_world(hooks: Hooks = Hooks()) -> Iterator[World]:  # noqa: B008  a frozen record
    with (
        TemporaryDirectory() as folder,
        open_store(build_database(Path(folder)), hooks=hooks) as store,
    ):
        yield World(store, Path(folder) / "results")


def test_others_change_the_world_while_the_lines_of_an_import_are_read(threads: ThreadPoolExecutor) -> None:
    """The turn is free at each read: a client that takes it there would otherwise wait for the end of the import."""
    with open_world() as world:
        between: list[int] = []

        def create_project() -> None:
            with world.long_changes.turn_in_thread():
                CatalogChanges(world.store).create_project(name=f"between {len(between)}")
                between.append(len(world.list_labels()))

        world.results.before_read = create_project
        world.run(threads)
        assert set(between) == set(range(len(world.rows) + 1)), "somebody came in between any two rows"
        assert world.list_labels() == world.rows


def test_no_transaction_of_an_import_has_more_than_a_group_of_rows(threads: ThreadPoolExecutor) -> None:
    sizes: list[int] = []
    with open_world(Hooks(before_commit=lambda change: sizes.append(len(change.events)))) as world:
        world.run(threads)
        assert sizes == [1] * len(world.rows)


@settings(max_examples=25)
@given(ends=st.lists(st.integers(0, 10), max_size=3))
def test_an_import_of_a_server_that_was_stopped_goes_on_where_it_was(ends: list[int]) -> None:
    """Each number is the read before which a server ends; the next one opens the same world."""
    with open_world() as world, ThreadPoolExecutor(1) as threads:
        reads = iter(ends)
        left = next(reads, None)

        def end_server() -> None:
            nonlocal left
            if left is not None:
                left -= 1
            if left == -1:
                left = next(reads, None)
                raise Conflict("the store is closed")

        world.results.before_read = end_server
        with suppress(Conflict):
            world.run(threads)
        while not world.find_import().ended:
            world.open_imports(threads)
            threads.submit(lambda: None).result()
        assert sorted(world.list_labels()) == sorted(world.rows), "each row has one label"
        assert world.read_statuses() == [(row, "SUCCESS") for row in world.rows]
        assert not world.find_import().failed


def test_an_import_is_seen_running_until_it_has_ended(threads: ThreadPoolExecutor) -> None:
    with open_world() as world:
        imports = world.open_imports(threads)
        seen: list[tuple[float, bool]] = []

        def look() -> None:
            record = world.find_import()
            seen.append((imports.find_share(record), imports.has_failed(record)))

        file = world.uploads.receive("labels.ndjson", None, "upload")
        file.write(b"{}\n")
        file.close()
        world.results.before_read = look
        with world.long_changes.turn_in_thread():
            record = imports.run_file(AnnotationKind.LABELS, world.project, "labels", file)
        assert set(seen) == {(0, False)}
        assert (imports.find_share(record), imports.has_failed(record)) == (1, False)


def test_rows_that_are_deleted_while_an_import_runs_are_left_out_and_said_so(threads: ThreadPoolExecutor) -> None:
    with open_world() as world:

        def delete_last() -> None:
            world.results.before_read = lambda: None
            CatalogChanges(world.store).delete_data_rows([world.rows[-1]])

        world.results.before_read = delete_last
        world.run(threads)
        assert world.list_labels() == world.rows[:-1]
        assert [status for _, status in world.read_statuses()] == ["SUCCESS"] * (len(world.rows) - 1) + ["FAILURE"]


def test_an_import_whose_project_is_deleted_in_between_has_failed(threads: ThreadPoolExecutor) -> None:
    with open_world() as world:

        def delete_project() -> None:
            if world.list_labels():
                world.results.before_read = lambda: None
                CatalogChanges(world.store).update_project(world.project, deleted=True)

        world.results.before_read = delete_project
        assert world.run(threads).failed
        assert [status for _, status in world.read_statuses()] == ["FAILURE"]


def test_an_import_that_is_deleted_in_between_is_refused_and_keeps_no_files(threads: ThreadPoolExecutor) -> None:
    with open_world() as world:

        def delete_import() -> None:
            if world.list_labels():
                world.results.before_read = lambda: None
                world.open_imports(threads).delete(world.find_import().id)

        world.results.before_read = delete_import
        with pytest.raises(Conflict, match="deleted while it ran"):
            world.run(threads)
        assert len(world.results.list("uploads")) == 1, "the file that was sent"


def test_an_import_that_meets_a_failure_of_the_machine_has_failed(threads: ThreadPoolExecutor) -> None:
    with open_world() as world:

        def fail() -> None:
            if world.list_labels():
                raise OSError(5, "Input/output error")

        world.results.before_read = fail
        with pytest.raises(OSError, match="Input/output error"):
            world.run(threads)
        assert (world.find_import().ended, world.find_import().failed) == (True, True)
        assert 0 < len(world.list_labels()) < len(world.rows)
