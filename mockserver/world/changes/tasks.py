"""Changes of asynchronous tasks: how they begin, go on and end."""

from __future__ import annotations

from typing import Any

from mockserver.errors import ResourceFailed
from mockserver.world.clause import Clause
from mockserver.world.progression import Pace, Progression, decode_progression, encode_pace
from mockserver.world.record import JsonText
from mockserver.world.records.legacy import LegacyFile
from mockserver.world.records.tasks import EXPORT, IMPORTS, Task, TaskStatus
from mockserver.world.store import Store

NO_STREAMS = JsonText("{}")
STOPPED = "The server was stopped while this task ran; start it again"
"""The reason of the failure of a task that a stopped server has left."""


class TaskChanges:
    """The changes of one store's tasks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create_task(self, *, type: str, name: str | None, request: JsonText, base_url: str) -> Task:  # noqa: A002  the wire's word
        """Creates a task that is IN_PROGRESS and belongs to the owner of the API key. Its progression is that of its
        type."""
        task_id = None
        try:
            with self._store.change() as change:
                workspace, task_id = self._store.workspace, change.new_id()
                pace = encode_pace(_get_pace(type, decode_progression(workspace.progression)))
                task = Task(
                    change.number(Task), task_id, type, name, TaskStatus.IN_PROGRESS, 0.0, request, base_url,
                    pace, NO_STREAMS, None, workspace.user_id, change.now, change.now,
                )  # fmt: skip
                change.connection.insert([task])
                return task
        except ResourceFailed as failure:
            failure.record = task_id
            raise

    def report_progress(self, task_id: str, percentage: float) -> bool:
        """Raises the completion percentage of a running task; False if it does not run any more."""
        return self._update(task_id, TaskStatus.IN_PROGRESS, completion_percentage=percentage)

    def finish_task(self, task_id: str, streams: JsonText) -> bool:
        """Marks a running task COMPLETE, with its final streams; False if it has ended otherwise in the meantime."""
        values = {"status": TaskStatus.COMPLETE, "completion_percentage": 100.0, "streams": streams}
        return self._update(task_id, TaskStatus.IN_PROGRESS, **values)

    def fail_task(self, task_id: str, failure: str, streams: JsonText = NO_STREAMS) -> None:
        """Marks a running task FAILED, with its reason and its error stream."""
        self._update(task_id, TaskStatus.IN_PROGRESS, status=TaskStatus.FAILED, failure=failure, streams=streams)

    def cancel_task(self, task_id: str, state: TaskStatus = TaskStatus.IN_PROGRESS) -> bool:
        """Marks a task CANCELED; False if it is in another state. One that has ended, and was not shown to anybody
        yet, is cancelled by its state."""
        return self._update(task_id, state, status=TaskStatus.CANCELED, streams=NO_STREAMS)

    def request_failure(self, task_id: str, failure: str) -> None:
        """Records that a test wants a running task to fail for this reason."""
        self._update(task_id, TaskStatus.IN_PROGRESS, requested_failure=failure)

    def let_hang(self, task_id: str) -> None:
        """Records that a test wants a running task to run until it is cancelled."""
        self._update(task_id, TaskStatus.IN_PROGRESS, hangs=True)

    def _update(self, task_id: str, state: TaskStatus, **values: Any) -> bool:
        """Updates a task that is in this state; whether it was."""
        with self._store.change() as change:
            in_state = Clause("id = :id AND status = :state", id=task_id, state=state)
            return bool(change.connection.update(Task, in_state, updated_at=change.now, **values))

    def fail_unfinished_tasks(self) -> int:
        """Marks the tasks FAILED that a stopped server has left, except those that hang, and returns how many there
        were."""
        with self._store.change() as change:
            unfinished = Clause("status = :running", running=TaskStatus.IN_PROGRESS)
            change.connection.update(LegacyFile, unfinished, status=TaskStatus.FAILED, failure=STOPPED)
            values = unfinished.params | {"failed": TaskStatus.FAILED, "stopped": STOPPED, "now": change.now}
            return change.connection.run(
                "UPDATE task SET status = :failed, failure = COALESCE(requested_failure, :stopped), updated_at = :now"
                f" WHERE {unfinished.sql} AND NOT hangs",
                values,
            )


def _get_pace(kind: str, progression: Progression) -> Pace:
    if kind == EXPORT:
        return progression.exports
    return progression.imports if kind in IMPORTS else progression.processing


def resume(store: Store) -> None:
    """Goes on where the last process stopped: loads the clock, and fails the tasks that nobody works on any more."""
    store.load_clock()
    TaskChanges(store).fail_unfinished_tasks()
