"""Asynchronous work that changes the world: imports of data rows, batches, moves between queues.

Each is a task that clients poll. Small work has ended before the mutation answers; how long it appears to take is the
progression of its task.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import msgspec

from mockserver.exports.jobs import Jobs, JobStopped, Kind
from mockserver.jobs.long_changes import LongChanges
from mockserver.world.changes.tasks import TaskChanges
from mockserver.world.record import JsonText, encode_json
from mockserver.world.records.tasks import Task
from mockserver.world.store import Store

MOST_RUNNING = 1
"""Jobs of one workspace at a time: they change the same world one after another."""

Work = Callable[[Task, Callable[[], None]], None]
"""Does the work of a task. Calls the function it is given before each of its transactions, which raises JobStopped."""


class TaskJob(msgspec.Struct, frozen=True, eq=False):
    """A task and its work."""

    task: Task
    work: Work

    @property
    def id(self) -> str:
        return self.task.id

    def interrupt(self) -> None:
        """A job has no long search."""

    def close(self) -> None:
        """A job holds nothing open."""


class TaskJobs:
    """The jobs of one workspace."""

    def __init__(self, store: Store, threads: ThreadPoolExecutor, long_changes: LongChanges) -> None:
        self._tasks, self._long_changes = TaskChanges(store), long_changes
        kind = Kind(
            noun="task", place=None, run=self._run, discard=lambda _job: None, record_failure=self._tasks.fail_task,
            delete_expired=lambda _now: None, most_running=MOST_RUNNING,
        )  # fmt: skip
        self._jobs = Jobs[TaskJob](kind, threads, store.clock)

    def start(
        self,
        work: Work,
        *,
        type: str,  # noqa: A002  the wire's word
        name: str | None,
        base_url: str,
        request: object = None,
    ) -> tuple[Task, Future[None]]:
        """Creates the task and does its work as soon as it may. The future is done when the task has ended."""
        text = encode_json(request or {})
        with self._jobs.fail_unconfirmed():
            task = self._tasks.create_task(type=type, name=name, request=text, base_url=base_url)
        return task, self._jobs.start(TaskJob(task, work))

    def _run(self, job: TaskJob) -> None:
        job.work(job.task, partial(self._check_running, job.id))
        if not self._tasks.finish_task(job.id, JsonText("{}")):
            raise JobStopped

    def _check_running(self, job_id: str) -> None:
        """Lets short changes pass between two transactions of a job. Raises JobStopped."""
        self._jobs.check_running(job_id)
        self._long_changes.let_pass()

    def close(self) -> None:
        """Stops the jobs. Running ones stay unfinished, and fail when the world is opened again."""
        self._jobs.close()
