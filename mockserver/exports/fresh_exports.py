"""Exports that are complete, and that clients which do not wait for them still see IN_PROGRESS."""

from __future__ import annotations

import threading
from enum import Flag, auto

import msgspec

from mockserver.world.progression import AT_ONCE
from mockserver.world.record import JsonText
from mockserver.world.records.tasks import EXPORT, Task, TaskStatus

MOMENT = 5_000_000
"""Microseconds of the world's clock after which a new export is COMPLETE to everybody."""
KEPT = 10_000
"""Exports that are remembered; more are not created within MOMENT."""


class Seen(Flag):
    """The states in which clients have seen an export."""

    NOTHING = 0
    COMPLETE = auto()
    IN_PROGRESS = auto()
    READ = auto()
    """A client has read its files."""


class FreshExports:
    """The states in which clients have seen the new exports of one workspace.

    The service takes seconds for an export, in which it can be cancelled and is listed as IN_PROGRESS (SDK tests
    test_export_data_rows_streamable.py 7.17.0). The mock writes small ones immediately and shows the client that
    waits a COMPLETE task, because a first poll that is not COMPLETE costs every SDK two seconds. Other requests are
    answered IN_PROGRESS, once (inferred). What clients have seen is kept in memory: exports that an earlier server has
    written are COMPLETE to everybody.
    """

    def __init__(self, first: int) -> None:
        """`first` is the number of the first task that may be new: earlier ones are of an earlier server."""
        self._first = first
        self._lock = threading.Lock()
        self._seen: dict[str, Seen] = {}

    def is_fresh(self, task: Task, now: int) -> bool:
        """Whether a query that does not wait for the task may still see it IN_PROGRESS."""
        return self._is_new(task, now) and not self._get(task) & (Seen.IN_PROGRESS | Seen.READ)

    def show_running(self, task: Task) -> Task:
        """The task as IN_PROGRESS, which a client sees only once."""
        self._set(task, Seen.IN_PROGRESS)
        return msgspec.structs.replace(
            task, status=TaskStatus.IN_PROGRESS, completion_percentage=0.0, streams=JsonText("{}")
        )

    def mark_seen(self, task: Task) -> None:
        """Remembers that a client that waits for the task has seen it COMPLETE. It will read the files next."""
        if task.status == TaskStatus.COMPLETE:
            self._set(task, self._get(task) | Seen.COMPLETE)

    def mark_read(self, task: Task) -> None:
        """Remembers that a client has read the files: from now on everybody sees the task COMPLETE."""
        if task.status == TaskStatus.COMPLETE:
            self._set(task, Seen.COMPLETE | Seen.READ)

    def can_cancel(self, task: Task, now: int) -> bool:
        """Whether no client has seen the task COMPLETE since its creation, or since one has seen it IN_PROGRESS."""
        return self._is_new(task, now) and not self._get(task) & Seen.COMPLETE

    def _is_new(self, task: Task, now: int) -> bool:
        immediate = task.status == TaskStatus.COMPLETE and task.type == EXPORT and task.pace == AT_ONCE
        return immediate and task.no >= self._first and now - task.created_at < MOMENT

    def _get(self, task: Task) -> Seen:
        return self._seen.get(task.id, Seen.NOTHING)

    def _set(self, task: Task, seen: Seen) -> None:
        with self._lock:
            self._seen[task.id] = seen
            if len(self._seen) > KEPT:
                del self._seen[next(iter(self._seen))]
