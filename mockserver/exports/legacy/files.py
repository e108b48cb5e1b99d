"""Files of Export V1: each request has one, written in a thread, and returned again for the same request.

Clients poll by repeating the request (wire.md §3.1), so a request must not start its export twice. For 30 minutes of
the world's clock a finished file is returned again while nothing in its project has changed; the service returned it
even then (seed: introducing-export-v2), which a switch turns on.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import msgspec

from mockserver.errors import Conflict
from mockserver.exports.dates import load_format
from mockserver.exports.fair_lock import EXPORT_LOCK
from mockserver.exports.jobs import Jobs, Kind
from mockserver.exports.legacy.labels import LabelElements
from mockserver.exports.legacy.requests import (
    LabelsRequest,
    LegacyRequest,
    ModelRunLabelsRequest,
    decode_request,
    encode_request,
)
from mockserver.exports.legacy.rows import LegacyDataRows
from mockserver.exports.text import unescape
from mockserver.links import RESULT_DAYS, Links, good_until
from mockserver.results.budget import Budget
from mockserver.results.files_writer import open_files_writer
from mockserver.results.interface import ResultFile, Results
from mockserver.world.change import Change
from mockserver.world.changes.polls import Polls, find_share
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.clause import Clause
from mockserver.world.clock import DAY
from mockserver.world.database import Connection
from mockserver.world.moments import format_zulu
from mockserver.world.progression import encode_pace
from mockserver.world.queries.events import count_since, match_events_of_project
from mockserver.world.record import JsonText
from mockserver.world.records.events import Event, EventKind
from mockserver.world.records.legacy import LegacyFile
from mockserver.world.records.tasks import TaskStatus
from mockserver.world.store import Store

KEPT = 30 * 60 * 1_000_000
"""Microseconds for which a file is returned again (seed; SDK project.py 3.30.1:292, dataset.py:505, batch.py:94)."""
ABANDONED = DAY
"""Microseconds after which a file that no client has received is written again."""
MOST_WAITING = 100
"""Files of one workspace that wait for a thread; each holds a snapshot open."""
FOLDER = "legacy"


class LegacyJob(NamedTuple):
    """A file that waits for a thread or is being written."""

    file: LegacyFile
    request: LegacyRequest
    condition: Clause
    snapshot: Connection

    @property
    def id(self) -> str:
        return self.file.id

    def interrupt(self) -> None:
        self.snapshot.interrupt()

    def close(self) -> None:
        self.snapshot.close()


class LegacyFiles:
    """The V1 files of one workspace, within a budget that all workspaces share. One is written at a time."""

    def __init__(
        self, store: Store, links: Links, results: Results, threads: ThreadPoolExecutor, budget: Budget
    ) -> None:
        self._store, self._links = store, links
        self._settings = WorkspaceSettings(store)
        self._results, self._budget = results, budget
        kind = Kind(
            noun="export",
            place=results.find_path(FOLDER),
            run=self._write,
            discard=self._discard,
            record_failure=self._record_failure,
            delete_expired=self._delete_expired,
            most_running=1,
        )
        self._jobs = Jobs(kind, threads, store.clock)
        self._polls = Polls(store)
        self._count_complete()
        self.sweep()

    def _count_complete(self) -> None:
        """Counts the files of an earlier run, and deletes those that a crash has left unfinished."""
        with self._store.reading() as connection:
            complete = connection.select(LegacyFile, Clause("status = :status", status=TaskStatus.COMPLETE))
        names = {file_name(file) for file in complete}
        complete_files: dict[str, list[ResultFile]] = {}
        for result in self._results.list(FOLDER):
            if result.name in names:
                complete_files[result.name] = [result]
            else:
                self._results.delete(result.name)
        self._budget.add_finished(self._results, complete_files)

    def find_or_start(self, request: LegacyRequest, *, base_url: str) -> tuple[LegacyFile, Future[None] | None]:
        """The file of a request, and a future that is done when the file is; None if it is. Raises MalformedRequest,
        Conflict."""
        self.sweep()
        with self._jobs.fail_unconfirmed() as created, self._store.change() as change:
            condition = request.condition(change.connection)
            newest = self._find(change, request, base_url)
            if newest is not None:
                return newest, self._jobs.future(newest.id)
            if self._jobs.waiting >= MOST_WAITING:
                raise Conflict(
                    f"{MOST_WAITING} exports of this workspace are waiting already; repeat the request when some have"
                    " ended"
                )
            snapshot = self._store.snapshot()
            try:
                file = self._create(change, request, base_url)
                created.append(file.id)
            except BaseException:
                snapshot.close()
                raise
        return file, self._jobs.start(LegacyJob(file, request, condition, snapshot))

    def _find(self, change: Change, request: LegacyRequest, base_url: str) -> LegacyFile | None:
        """The newest file of this request, unless it has expired."""
        same = Clause("question = :question AND base_url = :base", question=self._encode(request), base=base_url)
        newest = change.connection.select(LegacyFile, same, order="no DESC", first=1)
        if not newest:
            return None
        file = self._with_failure(newest[0])
        age = change.now - file.created_at
        if file.status == TaskStatus.IN_PROGRESS:
            return file
        if file.status == TaskStatus.COMPLETE and not self._is_kept(file):
            return None
        if not file.told:
            return file if age < ABANDONED else None
        if file.status == TaskStatus.FAILED or not 0 <= age < KEPT:
            return None
        stale = self._settings.switches.legacy_cache == "stale"
        return file if stale or not has_changed(change.connection, request, file.after_event) else None

    def _is_kept(self, file: LegacyFile) -> bool:
        """Whether the bytes are there: they may have been deleted for newer results."""
        try:
            self._results.size(file_name(file))
        except FileNotFoundError:
            return False
        return True

    def _create(self, change: Change, request: LegacyRequest, base_url: str) -> LegacyFile:
        file = LegacyFile(
            no=change.number(LegacyFile), id=change.new_id(),
            question=self._encode(request), base_url=base_url, status=TaskStatus.IN_PROGRESS, told=False,
            pace=encode_pace(self._settings.progression.exports),
            after_event=change.number(Event) - 1, failure=None, created_at=change.now,
        )  # fmt: skip
        change.connection.insert([file])
        return file

    def _encode(self, request: LegacyRequest) -> JsonText:
        """Encodes everything that the file depends on: the request, and the characters in which it is written."""
        return encode_request(request, characters=self._settings.switches.characters)

    def sweep(self) -> None:
        """Deletes the files whose links have expired: once a day of the world's clock."""
        self._jobs.sweep()

    def _delete_expired(self, now: int) -> None:
        first, running = good_until(now, -RESULT_DAYS), TaskStatus.IN_PROGRESS
        old = Clause("created_at < :first AND status <> :running", first=first, running=running)
        with self._store.change() as change:
            expired = change.connection.select(LegacyFile, old)
            change.connection.delete(LegacyFile, Clause("id IN :ids", ids=[file.id for file in expired]))
        for file in expired:
            self._budget.delete(self._results, file_name(file))

    def poll(self, file_id: str) -> LegacyFile:
        """A file as a poll sees it: its progression may still show IN_PROGRESS when it is COMPLETE."""
        with self._store.change() as change:
            [record] = change.connection.select(LegacyFile, Clause("id = :id", id=file_id))
            file = self._with_failure(record)
            if file.told or file.status == TaskStatus.IN_PROGRESS:
                return file
            if find_share(self._polls.count(file), change.now) < 1:
                return msgspec.structs.replace(file, status=TaskStatus.IN_PROGRESS)
            change.connection.update(LegacyFile, Clause("id = :id", id=file_id), told=True)
            return file

    def _with_failure(self, file: LegacyFile) -> LegacyFile:
        """The file, FAILED also while the database cannot be written."""
        reason = self._jobs.failure(file.id) if file.status == TaskStatus.IN_PROGRESS else None
        return file if reason is None else msgspec.structs.replace(file, status=TaskStatus.FAILED, failure=reason)

    def url(self, file: LegacyFile) -> str:
        """Signed, valid for 14 days; its name is the service's (sample: signed V1 result URLs)."""
        expires = good_until(file.created_at, RESULT_DAYS)
        name = f"export-{format_zulu(file.created_at)}.{_extension(file)}"
        return file.base_url + self._links.sign(f"exports/{file.id}/{name.replace(':', '%3A')}", expires)

    # Writing

    def _write(self, job: LegacyJob) -> None:
        """Writes the file and records that it is COMPLETE."""
        name = file_name(job.file)
        writer = open_files_writer(self._results)
        try:
            writer.write(name, b"")  # a file without rows is there, too
            raw = load_format(job.snapshot).switches.characters == "utf-8"
            for text in self._texts(job):
                self._jobs.check_running(job.id)
                data = unescape(text) if raw else text
                self._budget.take(self._results, name, len(data))
                writer.write(name, data)
            writer.close()
        except BaseException:
            writer.abandon()
            raise
        self._budget.finish(self._results, name)
        with self._store.change() as change:
            change.connection.update(LegacyFile, Clause("id = :id", id=job.id), status=TaskStatus.COMPLETE)

    def _texts(self, job: LegacyJob) -> Iterator[bytes]:
        host, now, turns = job.file.base_url, job.file.created_at, EXPORT_LOCK.take_turns
        if isinstance(job.request, ModelRunLabelsRequest):
            run = job.request.model_run
            elements = LabelElements(job.snapshot, links=self._links, host=host, now=now, run=run)
            yield from (batch.text for batch in elements.pieces(job.condition, between="\n", take_turns=turns))
        elif isinstance(job.request, LabelsRequest):
            elements = LabelElements(job.snapshot, links=self._links, host=host, now=now)
            yield b"["
            yield from (batch.text for batch in elements.pieces(job.condition, take_turns=turns))
            yield b"]"
        else:
            metadata = job.request.metadata
            rows = LegacyDataRows(job.snapshot, job.condition, metadata=metadata, links=self._links, host=host, now=now)
            yield from (batch.text for batch in rows.pieces(turns))

    def _discard(self, job: LegacyJob) -> None:
        self._budget.delete(self._results, file_name(job.file))

    def _record_failure(self, file_id: str, reason: str) -> None:
        with self._store.change() as change:
            running = Clause("id = :id AND status = :running", id=file_id, running=TaskStatus.IN_PROGRESS)
            change.connection.update(LegacyFile, running, status=TaskStatus.FAILED, failure=reason)

    def close(self) -> None:
        """Stops the exports and waits for the one that runs."""
        self._jobs.close()


def is_array(file: LegacyFile) -> bool:
    """Whether the file is one JSON array; else it is NDJSON."""
    return decode_request(file.question).IS_ARRAY


def file_name(file: LegacyFile) -> str:
    """The name of the file among the results."""
    return f"{FOLDER}/{file.id}.{_extension(file)}"


def _extension(file: LegacyFile) -> str:
    return "json" if is_array(file) else "ndjson"


def has_changed(connection: Connection, request: LegacyRequest, after: int) -> bool:
    """Whether anything happened after the event of that number that the file may include.

    For labels: anything in their project, to its data rows, or to nothing in particular; for data rows: anything.
    Events that were deleted may have been such ones.
    """
    count, newest = count_since(connection, after)
    if newest is not None and count < newest - after:  # gaps are events that world/retention.py has deleted
        return True
    since = Clause("no > :after AND kind <> :empty", after=after, empty=EventKind.DATASET_CREATED)
    if isinstance(request, LabelsRequest):
        since &= match_events_of_project(request.project)
    return connection.find(Event, since) is not None
