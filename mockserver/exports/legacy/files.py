"""Files of Export V1: each question has one, made in a thread, and shown again to whoever asks the same.

Clients poll by asking again (wire.md §3.1), so a question must not start its export twice. For 30 minutes of the
world's clock a finished file is given again while nothing in its project has changed; the service gave it whatever had
changed (seed: introducing-export-v2), which a switch asks for.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

import msgspec

from mockserver.errors import Conflict
from mockserver.exports.budget import Budget
from mockserver.exports.dates import load_format
from mockserver.exports.failure_recorder import FailureRecorder, failure_reason
from mockserver.exports.fair_lock import EXPORT_LOCK
from mockserver.exports.legacy.labels import LabelElements
from mockserver.exports.legacy.requests import LabelsRequest, LegacyRequest, ModelRunLabelsRequest, encode_request
from mockserver.exports.legacy.rows import LegacyDataRows
from mockserver.exports.text import unescape
from mockserver.links import RESULT_DAYS, Links, good_until
from mockserver.world.change import Change
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.clock import DAY
from mockserver.world.database import Clause, Connection, JsonText
from mockserver.world.events import Event, EventKind
from mockserver.world.legacy import LegacyFile
from mockserver.world.moments import format_zulu
from mockserver.world.progression import decode_pace, encode_pace, progress
from mockserver.world.queries.events import count_since, match_events_of_project
from mockserver.world.store import Store
from mockserver.world.tasks import TaskStatus

KEPT = 30 * 60 * 1_000_000
"""Microseconds for which a file is given again (seed; SDK project.py 3.30.1:292, dataset.py:505, batch.py:94)."""
FORGOTTEN = DAY
"""Microseconds after which a file that nobody came back for is made anew."""
MOST_WAITING = 100
"""Files of one workspace that wait for their turn; each holds a snapshot open."""


class Stopped(Exception):
    """The workspace was closed while a file was written."""


class Job(NamedTuple):
    """A file that waits for its turn or is being written. Its snapshot is its own to close."""

    future: Future[None]
    file: LegacyFile
    question: LegacyRequest
    condition: Clause
    snapshot: Connection


class LegacyFiles:
    """The V1 files of one workspace, in a space that all workspaces share. One is written at a time, so that others get
    their turn."""

    def __init__(self, store: Store, links: Links, folder: Path, threads: ThreadPoolExecutor, space: Budget) -> None:
        self._store, self._links, self._folder, self._threads = store, links, folder, threads
        self._space = space
        self._settings = WorkspaceSettings(store)
        self._ends = FailureRecorder(threads, self._record_failure)
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._futures: dict[str, Future[None]] = {}
        self._looks: Counter[str] = Counter()
        self._stopping = False
        self._swept: int | None = None
        self._keep_complete()
        self.sweep()

    def _keep_complete(self) -> None:
        """Count the files of an earlier run; what a crash left half-written goes."""
        with self._store.reading() as connection:
            complete = connection.select(LegacyFile, Clause("status = :status", status=TaskStatus.COMPLETE))
        paths = {self.path(file) for file in complete}
        there = set(self._folder.glob("*"))
        self._space.keep(there & paths)
        for path in there - paths:
            self._space.delete(path)

    def asked(self, question: LegacyRequest, *, base_url: str) -> tuple[LegacyFile, Future[None] | None]:
        """The file of a question, and what ends when it is made. Raises MalformedRequest, Conflict."""
        self.sweep()
        with self._store.change() as change:
            condition = question.condition(change.connection)
            kept = self._kept(change, question, base_url)
            if kept is not None:
                return kept, self._futures.get(kept.id)
            if len(self._waiting) >= MOST_WAITING:
                raise Conflict(f"{MOST_WAITING} exports of this workspace wait already; ask again when some are done")
            snapshot = self._store.snapshot()
            try:
                file = self._created(change, question, base_url)
            except BaseException:
                snapshot.close()
                raise
        job = Job(Future(), file, question, condition, snapshot)
        with self._lock:
            self._futures[file.id] = job.future
            self._waiting.append(job)
        self._start_next()
        return file, job.future

    def _kept(self, change: Change, question: LegacyRequest, base_url: str) -> LegacyFile | None:
        """The newest file of this question, unless its time is over."""
        same = Clause("question = :question AND base_url = :base", question=self._text(question), base=base_url)
        found = change.connection.select(LegacyFile, same, order="no DESC", first=1)
        if not found:
            return None
        file = self._with_its_end(found[0])
        age = change.now - file.created_at
        if file.status == TaskStatus.IN_PROGRESS:
            return file
        if file.status == TaskStatus.COMPLETE and not self.path(file).is_file():
            return None  # it gave way to others
        if not file.told:
            return file if age < FORGOTTEN else None
        if file.status == TaskStatus.FAILED or not 0 <= age < KEPT:
            return None
        stale = self._settings.switches.legacy_cache == "stale"
        return file if stale or not _changed(change.connection, question, file.after_event) else None

    def _created(self, change: Change, question: LegacyRequest, base_url: str) -> LegacyFile:
        file = LegacyFile(
            no=change.number(LegacyFile), id=change.new_id(),
            question=self._text(question), base_url=base_url, status=TaskStatus.IN_PROGRESS, told=False,
            pace=encode_pace(self._settings.progression.exports),
            after_event=change.number(Event) - 1, failure=None, created_at=change.now,
        )  # fmt: skip
        change.connection.insert([file])
        return file

    def _text(self, question: LegacyRequest) -> JsonText:
        """What makes a file another: the question, and the characters it is written in."""
        return encode_request(question, characters=self._settings.switches.characters)

    def sweep(self) -> None:
        """Delete the files whose links are over by the world's clock. They are over at midnights: once a day."""
        now = self._store.clock.now()
        if self._swept == now // DAY:
            return
        first, running = good_until(now, -RESULT_DAYS), TaskStatus.IN_PROGRESS
        old = Clause("created_at < :first AND status <> :running", first=first, running=running)
        with self._store.change() as change:
            over = change.connection.select(LegacyFile, old)
            change.connection.delete(LegacyFile, Clause("id IN :ids", ids=[file.id for file in over]))
        for file in over:
            self._space.delete(self.path(file))
        self._swept = now // DAY

    def looked_at(self, file_id: str) -> LegacyFile:
        """A file as this look shows it: what is made may still look IN_PROGRESS."""
        with self._store.change() as change:
            file = self._with_its_end(change.connection.select(LegacyFile, Clause("id = :id", id=file_id))[0])
            elapsed = change.now - file.created_at
            if file.told or file.status == TaskStatus.IN_PROGRESS:
                return file
            if progress(decode_pace(file.pace), polls=self._looks[file_id], elapsed=elapsed) < 1:
                self._looks[file_id] += 1
                return msgspec.structs.replace(file, status=TaskStatus.IN_PROGRESS)
            change.connection.update(LegacyFile, Clause("id = :id", id=file_id), told=True)
            return file

    def _with_its_end(self, file: LegacyFile) -> LegacyFile:
        """The file as it is, also where the database could not be told that it failed."""
        reason = self._ends.reason(file.id) if file.status == TaskStatus.IN_PROGRESS else None
        return file if reason is None else msgspec.structs.replace(file, status=TaskStatus.FAILED, failure=reason)

    def url(self, file: LegacyFile) -> str:
        """Signed, good for 14 days; its name is the service's (sample: signed V1 result URLs)."""
        expires = good_until(file.created_at, RESULT_DAYS)
        name = f"export-{format_zulu(file.created_at)}.{_extension(file)}"
        return file.base_url + self._links.sign(f"exports/{file.id}/{name.replace(':', '%3A')}", expires)

    def path(self, file: LegacyFile) -> Path:
        return self._folder / f"{file.id}.{_extension(file)}"

    # Making

    def _start_next(self) -> None:
        with self._lock:
            if self._running is not None or not self._waiting or self._stopping:
                return
            job = self._running = self._waiting.popleft()
        try:
            self._threads.submit(self._work, job)
        except RuntimeError as error:
            job.snapshot.close()
            self._fail(job.file, f"The machine has no thread left for this export: {error}")
            self._over(job)
            self._start_next()

    def _work(self, job: Job) -> None:
        if self._running is not job:
            return  # it was refused, and is in the pool's queue all the same
        try:
            self._make(job)
        finally:
            self._over(job)
            self._start_next()

    def _over(self, job: Job) -> None:
        with self._lock:
            self._running = None
            self._futures.pop(job.file.id, None)
        job.future.set_result(None)

    def _make(self, job: Job) -> None:
        path = self.path(job.file)
        try:
            with contextlib.closing(job.snapshot):
                self._write(job)
            self._space.finish(path)
            self._complete(job.file)
        except Stopped:
            self._space.delete(path)
        except Exception as error:  # noqa: BLE001  whatever it is, the export has to end
            self._fail(job.file, failure_reason(error, path))

    def _fail(self, file: LegacyFile, reason: str) -> None:
        self._space.delete(self.path(file))
        self._ends.fail(file.id, reason)

    def _write(self, job: Job) -> None:
        path = self.path(job.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as target:
            raw = load_format(job.snapshot).switches.characters == "utf-8"
            for text in EXPORT_LOCK.each(self._texts(job)):
                if self._stopping:
                    raise Stopped
                written = unescape(text) if raw else text
                self._space.take(path, len(written))
                target.write(written)

    def _texts(self, job: Job) -> Iterator[bytes]:
        """Labels of a project are one JSON array; those of a model run and data rows are NDJSON (SDK project.py
        3.52.0:403, model_run.py, dataset.py)."""
        host, now = job.file.base_url, job.file.created_at
        if isinstance(job.question, ModelRunLabelsRequest):
            run = job.question.model_run
            told = LabelElements(job.snapshot, links=self._links, host=host, now=now, run=run)
            yield from (piece.text for piece in told.pieces(job.condition, between="\n"))
            return
        if isinstance(job.question, LabelsRequest):
            yield b"["
            for piece in LabelElements(job.snapshot, links=self._links, host=host, now=now).pieces(job.condition):
                yield piece.text
            yield b"]"
            return
        metadata = job.question.metadata
        lines = LegacyDataRows(job.snapshot, job.condition, metadata=metadata, links=self._links, host=host, now=now)
        for piece in lines.pieces():
            yield piece.text

    def _complete(self, file: LegacyFile) -> None:
        with self._store.change() as change:
            change.connection.update(LegacyFile, Clause("id = :id", id=file.id), status=TaskStatus.COMPLETE)

    def _record_failure(self, file_id: str, reason: str) -> None:
        with self._store.change() as change:
            here = Clause("id = :id", id=file_id)
            change.connection.update(LegacyFile, here, status=TaskStatus.FAILED, failure=reason)

    def close(self) -> None:
        """Stop writing and wait for it."""
        with self._lock:
            self._stopping = True
            abandoned, running = list(self._waiting), self._running
            self._waiting.clear()
        for job in abandoned:
            job.future.cancel()
            job.snapshot.close()
        if running is not None:
            wait([running.future], timeout=5)
        self._ends.write()


def is_array(file: LegacyFile) -> bool:
    """Whether the file is one JSON array; else it is NDJSON."""
    return '"type":"labels"' in file.question


def _extension(file: LegacyFile) -> str:
    return "json" if is_array(file) else "ndjson"


def _changed(connection: Connection, question: LegacyRequest, after: int) -> bool:
    """Whether anything happened since that the file may tell of. Of labels: in their project, to its data rows, or to
    nothing in particular; of data rows: anything. What happened and is not on record any more may be such a thing."""
    count, newest = count_since(connection, after)
    if (
        newest is not None and count < newest - after
    ):  # numbers have no gaps but where events were deleted (world/retention.py)
        return True
    since = Clause("no > :after AND kind <> :empty", after=after, empty=EventKind.DATASET_CREATED)
    if isinstance(question, LabelsRequest):
        since &= match_events_of_project(question.project)
    return connection.find(Event, since) is not None
