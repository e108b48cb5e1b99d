"""Runs of imports of annotations: a file becomes labels, pre-labels or predictions in one transaction with the record
of the import and its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mockserver.errors import NotAllowed
from mockserver.exports.budget import OutOfSpace
from mockserver.imports.annotation_files import AnnotationFile, RowKey
from mockserver.imports.problems import LineProblem
from mockserver.imports.statuses import StatusWriter
from mockserver.workspaces.annotation_work import AnnotationWork, read_parent
from mockserver.workspaces.uploads import UploadedFile, Uploads
from mockserver.world.changes.annotation_imports import AnnotationImportChanges
from mockserver.world.imports import AnnotationImport, AnnotationKind
from mockserver.world.progression import decode_progression, encode_pace
from mockserver.world.store import Store

NDJSON = "application/x-ndjson"

Fill = Callable[[AnnotationImport, StatusWriter], bool]
"""Does the work of an import, and returns whether the import as a whole has failed."""
FindUpload = Callable[[str], str | None]
"""Finds the id of the upload behind a URL; None for every other URL, which is never fetched."""


class AnnotationRuns:
    """Imports annotations into one workspace."""

    def __init__(self, store: Store, uploads: Uploads, find_upload: FindUpload) -> None:
        self._store, self._uploads, self._find_upload = store, uploads, find_upload
        self._changes = AnnotationImportChanges(store)

    def run_file(self, kind: AnnotationKind, parent_id: str, name: str, file: UploadedFile) -> AnnotationImport:
        """Imports a file of the request. Raises NotFound, Conflict, NotAllowed."""

        def fill(record: AnnotationImport, statuses: StatusWriter) -> bool:
            failed = self._import(record, file.id, statuses)
            self._uploads.keep(file)
            return failed

        return self._run(kind, parent_id, name, fill, input_id=file.id)

    def run_url(self, kind: AnnotationKind, parent_id: str, name: str, url: str) -> AnnotationImport:
        """Imports the upload behind a URL. The import of any other URL fails: nothing is fetched. Raises NotFound,
        Conflict, NotAllowed."""

        def fill(record: AnnotationImport, statuses: StatusWriter) -> bool:
            upload_id = self._find_upload(url)
            if upload_id is not None:
                return self._import(record, upload_id, statuses)
            words = f"fileUrl is {url[:200]!r}, no file of this workspace; upload it by uploadFile: nothing is fetched"
            statuses.write(None, RowKey(), None, LineProblem("FileNotFound", words))
            return True

        return self._run(kind, parent_id, name, fill, input_url=url)

    def copy_run(self, project_id: str, run_id: str, name: str, row_ids: Sequence[str]) -> AnnotationImport:
        """Makes the predictions of a model run for some data rows the pre-labels of a project. Raises NotFound,
        Conflict, NotAllowed."""

        def fill(record: AnnotationImport, statuses: StatusWriter) -> bool:
            copied = self._changes.copy_run(record, run_id, row_ids)
            for row_id in row_ids:
                words = f"dataRow.id is {row_id!r}; expected a data row of both, with predictions in the model run"
                problem = None if row_id in copied else LineProblem("DataRowNotFound", words)
                statuses.write(None, RowKey(row_id=row_id), row_id, problem)
            return False

        return self._run(AnnotationKind.RUN_TO_PROJECT, project_id, name, fill)

    def delete(self, import_id: str) -> AnnotationImport:
        """Deletes an import with its pre-labels. Raises NotFound."""
        return self._changes.delete(import_id)

    def _run(
        self,
        kind: AnnotationKind,
        parent_id: str,
        name: str,
        fill: Fill,
        *,
        input_url: str | None = None,
        input_id: str | None = None,
    ) -> AnnotationImport:
        files: list[UploadedFile] = []
        try:
            with self._store.change() as change:
                files += [self._uploads.receive(f"{name}.{part}.ndjson", NDJSON) for part in ("status", "errors")]
                pace = encode_pace(decode_progression(self._store.workspace.progression).imports)
                record = AnnotationImport(
                    id=change.new_id(), kind=kind, parent_id=parent_id, name=name, failed=False, pace=pace,
                    input_url=input_url, input_id=input_id, status_id=files[0].id, error_id=files[1].id,
                    created_by=self._store.workspace.user_id, created_at=change.now,
                )  # fmt: skip
                self._changes.add(record)
                failed = fill(record, StatusWriter(files[0].write, files[1].write))
                for file in files:
                    file.close()
                    self._uploads.keep(file)
                return self._changes.finish(record, failed=failed)
        except OutOfSpace as error:
            raise NotAllowed(f"{error}; import fewer annotations, or give --results-limit more") from None
        finally:
            for file in files:
                self._uploads.discard(file)

    def _import(self, record: AnnotationImport, upload_id: str, statuses: StatusWriter) -> bool:
        with self._store.reading() as connection:
            parent = read_parent(connection, record)
        reader = self._uploads.open(upload_id)
        try:
            file = AnnotationFile(reader)
            work = AnnotationWork(self._store, record, parent, file, self._read_file)
            if failure := work.find_failure():
                statuses.write(None, RowKey(), None, failure)
                return True
            self._changes.write(record, work.iterate())
            work.write_statuses(statuses)
            return False
        finally:
            reader.close()

    def _read_file(self, url: str) -> bytes | None:
        """The bytes of an upload by its URL; None for every other URL."""
        upload_id = self._find_upload(url)
        return None if upload_id is None else self._uploads.read(upload_id)
