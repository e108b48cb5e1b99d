"""Exports that are made and still told as IN_PROGRESS, to those who do not wait for them."""

from __future__ import annotations

import msgspec

from mockserver.world.database import JsonText
from mockserver.world.tasks import EXPORT, Task, TaskStatus

MOMENT = 5_000_000
"""Microseconds of the world's clock after which a made export is COMPLETE to everybody."""


class Glances:
    """What was told of the exports of one workspace in their first moment.

    The service takes seconds for an export, in which it can be cancelled and is listed as IN_PROGRESS (SDK tests
    test_export_data_rows_streamable.py 7.17.0). The mock makes small ones at once and tells the client that waits so,
    as a first look that is not COMPLETE costs every SDK two seconds. Whoever looks otherwise is told IN_PROGRESS, once.
    """

    def __init__(self) -> None:
        self._over: set[str] = set()
        self._complete: set[str] = set()
        self._running: set[str] = set()

    def is_fresh(self, task: Task, now: int) -> bool:
        """Whether a look at the task may still find it IN_PROGRESS."""
        return _just_made(task, now) and task.id not in self._over

    def as_running(self, task: Task) -> Task:
        """The task, told as IN_PROGRESS this once."""
        self._over.add(task.id)
        self._running.add(task.id)
        return msgspec.structs.replace(
            task, status=TaskStatus.IN_PROGRESS, completion_percentage=0.0, streams=JsonText("{}")
        )

    def told_complete(self, task: Task) -> None:
        """To a client that waits for it, and will read it next."""
        if task.status == TaskStatus.COMPLETE:
            self._complete.add(task.id)
            self._running.discard(task.id)

    def read(self, task: Task) -> None:
        """From now on it is COMPLETE to everybody."""
        self.told_complete(task)
        self._over.add(task.id)

    def can_cancel(self, task: Task, now: int) -> bool:
        """Whether nobody was told yet that it is COMPLETE, or somebody was told since that it is not."""
        return _just_made(task, now) and (task.id in self._running or task.id not in self._complete)


def _just_made(task: Task, now: int) -> bool:
    at_once = task.status == TaskStatus.COMPLETE and task.type == EXPORT and task.pace == '"at_once"'
    return at_once and now - task.created_at < MOMENT
