"""The files that clients upload: written to the disk while they are received, recorded when they are complete, and
found again by the URL that was given out.

The bytes are named files among the results, `uploads/{id}`, and count towards the same budget: the oldest are deleted
when it is full. A file without a record is a rest of a process that was killed, and is deleted at the next start.
"""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from mockserver.errors import NotFound
from mockserver.links import Links, good_until
from mockserver.results.budget import Budget
from mockserver.results.interface import ResultFile, ResultReader, Results, ResultWriter
from mockserver.world.changes.uploads import UploadChanges
from mockserver.world.clause import Clause
from mockserver.world.records.uploads import Upload
from mockserver.world.store import Store

FOLDER = "uploads"
DAYS = 3650
"""Days that the link of an upload is valid: it may be the content of a data row (inferred)."""


class Uploads:
    """The uploads of one workspace. Safe for several threads."""

    def __init__(self, store: Store, links: Links, results: Results, budget: Budget) -> None:
        self._store, self._links, self._results, self._budget = store, links, results, budget
        self._changes = UploadChanges(store)
        self._count_files()

    @property
    def remote(self) -> bool:
        """Whether bytes go over a network, so that they are not written on the event loop."""
        return self._results.remote

    def _count_files(self) -> None:
        """Counts the files of an earlier run, and deletes those that have no record."""
        known: dict[str, list[ResultFile]] = {}
        for file in self._results.list(FOLDER):
            if self._find(file.name.removeprefix(f"{FOLDER}/")) is None:
                self._results.delete(file.name)
            else:
                known[file.name] = [file]
        self._budget.add_finished(self._results, known)

    def new_ids(self, count: int) -> list[str]:
        """Ids for files that are about to be received. Raises Conflict, ResourceFailed."""
        return self._changes.new_ids(count)

    def receive(self, name: str, content_type: str | None, upload_id: str) -> UploadedFile:
        """Begins a file, with an id that was given out for it. Raises ResourceFailed."""
        return UploadedFile(
            self, upload_id, name, content_type, self._results.create(_file_name(upload_id)), self._store.clock.now()
        )

    def count(self, upload_id: str, size: int) -> None:
        """Counts bytes that are about to be written. Raises OutOfSpace."""
        self._budget.take(self._results, _file_name(upload_id), size)

    def keep(self, file: UploadedFile) -> Upload:
        """Records a file that is complete, so that its URL answers. Keeping it again changes nothing."""
        if not file.kept:
            self._changes.add(file.record)
            self._budget.finish(self._results, _file_name(file.id))
            file.kept = True
        return file.record

    def discard(self, file: UploadedFile) -> None:
        """Deletes a file unless it was kept."""
        if not file.kept:
            file.abandon()
            self._budget.delete(self._results, _file_name(file.id))

    def build_path(self, upload: Upload) -> str:
        """Path and query of the file's URL; the host is put in front at the edge."""
        return self._links.upload(upload.id, upload.name, expires=good_until(upload.created_at, DAYS))

    def find(self, upload_id: str) -> Upload:
        """Raises NotFound."""
        upload = self._find(upload_id)
        if upload is None:
            raise NotFound(f"Upload {upload_id!r} does not exist in this workspace; upload the file again")
        return upload

    def _find(self, upload_id: str) -> Upload | None:
        with self._store.reading() as connection:
            return connection.find(Upload, Clause("id = :id", id=upload_id))

    def find_by_url(self, url: str) -> Upload | None:
        """The file behind a URL that `build_path` signed, whatever its host. None for any other URL.

        Raises LinkRefused if the signature is wrong or has expired, NotFound if the file does not exist.
        """
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        start = f"/_files/{self._links.workspace}/{FOLDER}/"
        if not parts.path.startswith(start):
            return None
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self._links.check(parts.path, query.get("Expires", ""), query.get("Signature", ""), now=self._store.clock.now())
        return self.find(unquote(parts.path[len(start) :].partition("/")[0]))

    def open(self, upload_id: str) -> ResultReader:
        """Opens the bytes of a file. Raises NotFound when they were deleted, OSError."""
        try:
            return self._results.open(_file_name(upload_id))
        except FileNotFoundError:
            raise _build_refusal(upload_id) from None

    def locate(self, upload: Upload) -> tuple[str, int]:
        """The name of a file among the results, and its bytes. Raises NotFound when they were deleted."""
        try:
            self._results.size(_file_name(upload.id))
        except FileNotFoundError:
            raise _build_refusal(upload.id) from None
        return _file_name(upload.id), upload.size

    def read(self, upload_id: str) -> bytes:
        """All bytes of a file. Raises NotFound, OSError."""
        reader = self.open(upload_id)
        try:
            return reader.read(0, reader.size)
        finally:
            reader.close()


class UploadedFile:
    """A file of the request that is being answered. Unless a resolver keeps it, it is deleted with the request."""

    def __init__(
        self, uploads: Uploads, upload_id: str, name: str, content_type: str | None, writer: ResultWriter, at: int
    ) -> None:
        self._uploads, self._writer, self._at = uploads, writer, at
        self.id, self.name, self.content_type = upload_id, name, content_type
        self.size = 0
        self.kept = self._closed = False

    @property
    def record(self) -> Upload:
        return Upload(self.id, self.name, self.content_type, self.size, self._at)

    def write(self, data: bytes) -> None:
        """Appends bytes. Raises OutOfSpace, ResourceFailed."""
        self._uploads.count(self.id, len(data))
        self._writer.write(data)
        self.size += len(data)

    def close(self) -> None:
        """Ends the file: from now on it can be read."""
        if not self._closed:
            self._closed = True
            self._writer.close()

    def abandon(self) -> None:
        """Ends a file that is deleted."""
        if not self._closed:
            self._closed = True
            self._writer.abandon()

    def open(self) -> ResultReader:
        """Opens the bytes. Raises NotFound, OSError."""
        return self._uploads.open(self.id)

    def read(self) -> bytes:
        """All bytes. Raises NotFound, OSError."""
        return self._uploads.read(self.id)


def _file_name(upload_id: str) -> str:
    return f"{FOLDER}/{upload_id}"


def _build_refusal(upload_id: str) -> NotFound:
    return NotFound(
        f"The file of upload {upload_id!r} was deleted: older files give way to newer ones (--results-limit); upload it"
        " again"
    )
