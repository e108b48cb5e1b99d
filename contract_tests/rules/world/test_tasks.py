"""The tasks of a world on both engines: how one begins, proceeds and ends."""

from collections.abc import Callable

import pytest

from mockserver.world.changes.tasks import TaskChanges
from mockserver.world.clause import Clause
from mockserver.world.record import JsonText
from mockserver.world.records.tasks import EXPORT, Task, TaskStatus
from mockserver.world.store import Store


def create_running_task(store: Store) -> Task:
    return TaskChanges(store).create_task(type=EXPORT, name="mine", request=JsonText("{}"), base_url="http://mock")


def task(store: Store, task_id: str) -> Task:
    with store.reading() as connection:
        return connection.select(Task, Clause("id = :id", id=task_id))[0]


def test_a_task_begins_in_progress_and_belongs_to_its_creator(store: Store) -> None:
    created = create_running_task(store)
    assert (created.status, created.completion_percentage, created.created_by) == ("IN_PROGRESS", 0.0, store.user().id)
    assert task(store, created.id) == created


def test_progress_then_the_end(store: Store) -> None:
    created = create_running_task(store)
    assert TaskChanges(store).report_progress(created.id, 40.0)
    assert task(store, created.id).completion_percentage == 40.0
    assert TaskChanges(store).finish_task(created.id, JsonText('{"RESULT":[]}'))
    done = task(store, created.id)
    assert (done.status, done.completion_percentage, done.streams) == ("COMPLETE", 100.0, '{"RESULT":[]}')


@pytest.mark.parametrize("end", [TaskStatus.COMPLETE, TaskStatus.FAILED, TaskStatus.CANCELED])
def test_a_task_ends_once(store: Store, end: TaskStatus) -> None:
    created = create_running_task(store)
    ends: dict[TaskStatus, Callable[[], object]] = {
        TaskStatus.COMPLETE: lambda: TaskChanges(store).finish_task(created.id, JsonText("{}")),
        TaskStatus.FAILED: lambda: TaskChanges(store).fail_task(created.id, "why"),
        TaskStatus.CANCELED: lambda: TaskChanges(store).cancel_task(created.id),
    }
    ends[end]()
    ended = task(store, created.id)
    assert not TaskChanges(store).finish_task(created.id, JsonText('{"x":1}'))
    assert not TaskChanges(store).report_progress(created.id, 50.0)
    TaskChanges(store).fail_task(created.id, "too late")
    assert not TaskChanges(store).cancel_task(created.id)
    assert (task(store, created.id), ended.status) == (ended, end)


def test_after_a_restart_only_unfinished_tasks_fail(store: Store) -> None:
    done, left = create_running_task(store), create_running_task(store)
    TaskChanges(store).finish_task(done.id, JsonText("{}"))
    again = Store(store.database)
    assert TaskChanges(again).fail_unfinished_tasks() == 1
    assert task(again, done.id).status == "COMPLETE"
    failed = task(again, left.id)
    assert (failed.status, failed.failure) == ("FAILED", "The server was stopped while this task ran; start it again")
    again.close()
