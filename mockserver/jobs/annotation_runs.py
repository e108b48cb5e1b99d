"""Runs of imports of annotations: the lines of a file become labels, pre-labels or predictions.

First the import and its file are recorded, in one transaction. Then the lines are checked, and their annotations are
written a group of data rows at a time, each group in one transaction with how far the import has come, so that nobody
waits for more than a group. At the end the files of statuses are written. A server that was killed in between has left
the record, and `complete` does what is left.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from mockserver.errors import Conflict, NotAllowed, NotFound
from mockserver.imports.annotation_files import AnnotationFile, RowKey
from mockserver.imports.problems import LineProblem
from mockserver.imports.statuses import StatusWriter
from mockserver.jobs.annotation_work import AnnotationWork, read_parent
from mockserver.jobs.long_changes import LongChanges
from mockserver.jobs.uploads import UploadedFile, Uploads
from mockserver.results.budget import OutOfSpace
from mockserver.world.changes.annotation_imports import AnnotationImportChanges
from mockserver.world.progression import decode_progression, encode_pace
from mockserver.world.records.imports import AnnotationImport, AnnotationKind
from mockserver.world.store import Store

NDJSON = "application/x-ndjson"

WriteStatuses = Callable[[StatusWriter], None]
FindUpload = Callable[[str], str | None]
"""Finds the id of the upload behind a URL; None for every other URL, which is never fetched."""


class AnnotationRuns:
    """Imports annotations into one workspace. Each method is called in a thread, with the turn for long changes."""

    def __init__(
        self, store: Store, uploads: Uploads, find_upload: FindUpload, long_changes: LongChanges, running: set[str]
    ) -> None:
        """`running` has the ids of the imports that this process works on."""
        self._store, self._uploads, self._find_upload = store, uploads, find_upload
        self._long_changes, self._running = long_changes, running
        self._changes = AnnotationImportChanges(store)

    def run_file(self, kind: AnnotationKind, parent_id: str, name: str, file: UploadedFile) -> AnnotationImport:
        """Imports a file of the request. Raises NotFound, Conflict, NotAllowed."""
        with self._build(kind, parent_id, name, input_id=file.id) as record:
            with self._store.change():
                self._changes.add(record)
                self._uploads.keep(file)
            return self.complete(record)

    def run_url(self, kind: AnnotationKind, parent_id: str, name: str, url: str) -> AnnotationImport:
        """Imports the upload behind a URL. The import of any other URL fails: nothing is fetched. Raises NotFound,
        Conflict, NotAllowed."""
        with self._build(kind, parent_id, name, input_url=url) as record:
            self._changes.add(record)
            return self.complete(record)

    def copy_run(self, project_id: str, run_id: str, name: str, row_ids: Sequence[str]) -> AnnotationImport:
        """Makes the predictions of a model run for some data rows the pre-labels of a project, in one transaction.
        Raises NotFound, Conflict, NotAllowed."""

        def write(statuses: StatusWriter) -> None:
            for row_id in row_ids:
                words = f"dataRow.id is {row_id!r}; expected a data row of both, with predictions in the model run"
                problem = None if row_id in copied else LineProblem("DataRowNotFound", words)
                statuses.write(None, RowKey(row_id=row_id), row_id, problem)

        with self._build(AnnotationKind.RUN_TO_PROJECT, project_id, name) as record, self._store.change():
            self._changes.add(record)
            copied = self._changes.copy_run(record, run_id, row_ids)
            return self._record_end(record, self._write_files(record, write), failed=False)

    def delete(self, import_id: str) -> AnnotationImport:
        """Deletes an import with its pre-labels. Raises NotFound."""
        return self._changes.delete(import_id)

    @contextmanager
    def _build(
        self,
        kind: AnnotationKind,
        parent_id: str,
        name: str,
        *,
        input_url: str | None = None,
        input_id: str | None = None,
    ) -> Iterator[AnnotationImport]:
        """The record of an import that begins. Inside the block the import counts as running."""
        import_id, status_id, error_id = self._changes.new_ids(3)
        world = self._store.workspace
        self._running.add(import_id)
        try:
            yield AnnotationImport(
                id=import_id, kind=kind, parent_id=parent_id, name=name, failed=False,
                pace=encode_pace(decode_progression(world.progression).imports), input_url=input_url,
                input_id=input_id, status_id=status_id, error_id=error_id, created_by=world.user_id,
                created_at=self._store.clock.now(), ended=False,
            )  # fmt: skip
        finally:
            self._running.discard(import_id)

    def complete(self, record: AnnotationImport) -> AnnotationImport:
        """Does what is left of an import. Raises Conflict, NotAllowed."""
        try:
            return self._complete(record)
        except Conflict:  # the workspace was closed, or the import was deleted
            raise
        except OutOfSpace as error:
            self._changes.finish(record, failed=True)
            raise NotAllowed(
                f"{error}; the annotations are imported, but not the files that say so: give --results-limit more"
            ) from None
        except BaseException:
            # If this fails too, the import counts as failed because nobody works on it, and goes on at the next start.
            with contextlib.suppress(Exception):
                self._changes.finish(record, failed=True)
            raise

    def _complete(self, record: AnnotationImport) -> AnnotationImport:
        input_id = record.input_id if record.input_url is None else self._find_upload(record.input_url)
        if input_id is None:
            words = (
                f"fileUrl is {(record.input_url or '')[:200]!r}, no file of this workspace; upload it by uploadFile:"
            )
            return self._fail(record, LineProblem("FileNotFound", f"{words} nothing is fetched"))
        try:
            return self._import(record, input_id)
        except NotFound as error:
            return self._fail(record, LineProblem("NotFound", str(error)))

    def _import(self, record: AnnotationImport, input_id: str) -> AnnotationImport:
        with self._store.reading() as connection:
            parent = read_parent(connection, record)
        with contextlib.closing(self._uploads.open(input_id)) as reader:
            with self._long_changes.pause():
                work = AnnotationWork(self._store, record, parent, AnnotationFile(reader), self._read_file)
                groups = iter(()) if (failure := work.find_failure()) else work.iterate()
            if failure:
                return self._fail(record, failure)
            while True:
                with self._long_changes.pause():
                    group = next(groups, None)
                if group is None:
                    return self._end(record, work.write_statuses)
                work.leave_out(self._changes.write_group(record, group.annotations, group.rows_done))

    def _fail(self, record: AnnotationImport, problem: LineProblem) -> AnnotationImport:
        """Ends an import that failed as a whole."""
        return self._end(record, lambda statuses: statuses.write(None, RowKey(), None, problem), failed=True)

    def _end(self, record: AnnotationImport, write: WriteStatuses, *, failed: bool = False) -> AnnotationImport:
        with self._long_changes.pause():
            files = self._write_files(record, write)
        return self._record_end(record, files, failed=failed)

    def _write_files(self, record: AnnotationImport, write: WriteStatuses) -> list[UploadedFile]:
        """Writes the files of statuses and of errors. Raises OutOfSpace."""
        files: list[UploadedFile] = []
        try:
            for part, file_id in (("status", record.status_id), ("errors", record.error_id)):
                files.append(self._uploads.receive(f"{record.name}.{part}.ndjson", NDJSON, file_id))
            write(StatusWriter(files[0].write, files[1].write))
            for file in files:
                file.close()
        except BaseException:
            self._discard(files)
            raise
        return files

    def _record_end(self, record: AnnotationImport, files: list[UploadedFile], *, failed: bool) -> AnnotationImport:
        try:
            with self._store.change():
                for file in files:
                    self._uploads.keep(file)
                return self._changes.finish(record, failed=failed)
        finally:
            self._discard(files)

    def _discard(self, files: list[UploadedFile]) -> None:
        for file in files:
            self._uploads.discard(file)

    def _read_file(self, url: str) -> bytes | None:
        """The bytes of an upload by its URL; None for every other URL."""
        upload_id = self._find_upload(url)
        return None if upload_id is None else self._uploads.read(upload_id)
