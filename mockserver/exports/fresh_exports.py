"""Exports that are made and still told as IN_PROGRESS, to those who do not wait for them."""

from __future__ import annotations

import threading
from enum import Flag, auto

import msgspec

from mockserver.world.database import JsonText
from mockserver.world.tasks import EXPORT, Task, TaskStatus

MOMENT = 5_000_000
"""Microseconds of the world's clock after which a made export is COMPLETE to everybody."""
KEPT = 10_000
"""Exports that are remembered; more are not made in one moment."""


class Told(Flag):
    """What was told of an export."""

    NOTHING = 0
    COMPLETE = auto()
    IN_PROGRESS = auto()
    READ = auto()
    """Its files."""


class FreshExports:
    """What was told of the exports of one workspace in their first moment.

    The service takes seconds for an export, in which it can be cancelled and is listed as IN_PROGRESS (SDK tests
    test_export_data_rows_streamable.py 7.17.0). The mock makes small ones at once and tells the client that waits so,
    as a first look that is not COMPLETE costs every SDK two seconds. Other requests are
    answered IN_PROGRESS, once (inferred).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: dict[str, Told] = {}

    def is_fresh(self, task: Task, now: int) -> bool:
        """Whether a look at the task may still find it IN_PROGRESS."""
        return _just_made(task, now) and not self._of(task) & (Told.IN_PROGRESS | Told.READ)

    def as_running(self, task: Task) -> Task:
        """The task, told as IN_PROGRESS this once."""
        self._set(task, Told.IN_PROGRESS)
        return msgspec.structs.replace(
            task, status=TaskStatus.IN_PROGRESS, completion_percentage=0.0, streams=JsonText("{}")
        )

    def told(self, task: Task) -> None:
        """As it is, to a client that waits for it and will read it next."""
        if task.status == TaskStatus.COMPLETE:
            self._set(task, self._of(task) | Told.COMPLETE)

    def read(self, task: Task) -> None:
        """Whoever reads the files knows that it is COMPLETE, and so does everybody from now on."""
        if task.status == TaskStatus.COMPLETE:
            self._set(task, Told.COMPLETE | Told.READ)

    def can_cancel(self, task: Task, now: int) -> bool:
        """Whether nobody was told that it is COMPLETE since it was made, or since somebody was told that it is not."""
        return _just_made(task, now) and not self._of(task) & Told.COMPLETE

    def _of(self, task: Task) -> Told:
        return self._told.get(task.id, Told.NOTHING)

    def _set(self, task: Task, told: Told) -> None:
        with self._lock:
            self._told[task.id] = told
            if len(self._told) > KEPT:
                del self._told[next(iter(self._told))]


def _just_made(task: Task, now: int) -> bool:
    at_once = task.status == TaskStatus.COMPLETE and task.type == EXPORT and task.pace == '"at_once"'
    return at_once and now - task.created_at < MOMENT
