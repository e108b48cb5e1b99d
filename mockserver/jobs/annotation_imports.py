"""Imports of labels, pre-labels and predictions (SDK annotation_import.py): how they are run, shown and deleted.

The work is done before the mutation answers (`annotation_runs`); how long it appears to take is the progression of
imports. Others can look at an import while it is worked on: it runs.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING

import msgspec

from mockserver.errors import Conflict, LinkRefused, NotFound
from mockserver.jobs.long_changes import LongChanges
from mockserver.jobs.uploads import UploadedFile, Uploads
from mockserver.world.changes.polls import Polls, find_share
from mockserver.world.clause import Clause
from mockserver.world.records.imports import AnnotationImport, AnnotationKind
from mockserver.world.store import Store

if TYPE_CHECKING:
    from mockserver.jobs.annotation_runs import AnnotationRuns


LOG = logging.getLogger(__name__)


class AnnotationImports:
    """The imports of annotations of one workspace."""

    def __init__(self, store: Store, uploads: Uploads, long_changes: LongChanges, threads: Executor) -> None:
        """Goes on with the imports that a stopped server has left, in a thread."""
        self._store, self._uploads, self._long_changes = store, uploads, long_changes
        self._polls = Polls(store)
        self._running: set[str] = set()
        """The ids of the imports that are worked on."""
        with store.reading() as connection:
            unfinished = connection.select(AnnotationImport, Clause("NOT ended"), order="created_at, id")
        self._running.update(record.id for record in unfinished)
        if unfinished:
            threads.submit(self._resume, unfinished)

    def _resume(self, records: Sequence[AnnotationImport]) -> None:
        for record in records:
            try:
                with self._long_changes.turn_in_thread():
                    self._runs.complete(record)
            except Conflict:  # the workspace was closed, or the import was deleted
                pass
            except Exception as error:  # noqa: BLE001  the next import goes on
                LOG.warning("the import %r, which a stopped server had left, has failed: %s", record.name, error)
            finally:
                self._running.discard(record.id)

    @property
    def _runs(self) -> AnnotationRuns:
        from mockserver.jobs.annotation_runs import AnnotationRuns  # noqa: PLC0415  few servers import annotations

        return AnnotationRuns(self._store, self._uploads, self._find_upload, self._long_changes, self._running)

    def run_file(self, kind: AnnotationKind, parent_id: str, name: str, file: UploadedFile) -> AnnotationImport:
        """Imports a file of the request. Raises NotFound, Conflict, NotAllowed."""
        return self._runs.run_file(kind, parent_id, name, file)

    def run_url(self, kind: AnnotationKind, parent_id: str, name: str, url: str) -> AnnotationImport:
        """Imports the upload behind a URL. Raises NotFound, Conflict, NotAllowed."""
        return self._runs.run_url(kind, parent_id, name, url)

    def copy_run(self, project_id: str, run_id: str, name: str, row_ids: Sequence[str]) -> AnnotationImport:
        """Makes the predictions of a model run the pre-labels of a project. Raises NotFound, Conflict, NotAllowed."""
        return self._runs.copy_run(project_id, run_id, name, row_ids)

    # Files

    def _find_upload(self, url: str) -> str | None:
        try:
            upload = self._uploads.find_by_url(url)
        except (LinkRefused, NotFound):
            return None
        return None if upload is None else upload.id

    def build_path(self, upload_id: str | None) -> str | None:
        """Path and query of the URL of a file; None for a file that was deleted to make room."""
        try:
            return None if upload_id is None else self._uploads.build_path(self._uploads.find(upload_id))
        except NotFound:
            return None

    # Showing

    def poll(self, records: Sequence[AnnotationImport]) -> list[AnnotationImport]:
        """Counts a request for each of these imports. Returns them as they are after it."""
        with self._store.change():
            counted = [self._polls.count(record) for record in records]
        return [msgspec.structs.replace(record, polls=record.polls + 1) for record in counted]

    def find_share(self, record: AnnotationImport) -> float:
        """How much of an import is done as clients see it; 1 means finished."""
        return 0 if record.id in self._running else find_share(record, self._store.clock.now())

    def has_failed(self, record: AnnotationImport) -> bool:
        """Whether an import that does not run has failed. That could not be recorded when the disk was full."""
        return record.failed or (not record.ended and record.id not in self._running)

    def delete(self, import_id: str) -> AnnotationImport:
        """Deletes an import with its pre-labels. Raises NotFound."""
        return self._runs.delete(import_id)
