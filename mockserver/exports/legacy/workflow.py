"""The workflow of data rows in their projects, as labels of Export V1 include it: `DataRow Workflow Info`.

Keys and their order are those of a reader of 2023-04; its values are those of `project_details` in Export V2.
"""

from __future__ import annotations

from mockserver.conversion import decode
from mockserver.exports.sections import match_numbers
from mockserver.exports.text import json_string
from mockserver.world.database import Connection
from mockserver.world.records.labels import ProjectRow, WorkflowStep
from mockserver.world.records.people import Person
from mockserver.world.records.projects import TaskQueue

DONE = '"Done"'
"""The queue of a row without a queue, as Export V2 calls it."""
AT = '"created_at":"'
"""The text in front of the timestamp of a step in a stored history. No JSON string can hold it, as its quotes are
escaped."""
MOMENT, ZULU = len("2023-05-16T11:50:48.000+00:00"), len("2023-05-16T11:50:48.000")
PLACE = "\x00"
"""The place of the timestamp of a step. No JSON text holds a raw control character."""
KEPT = 4096
"""Shapes of histories that are remembered."""

Shape = tuple[str, ...]
"""A stored history without its timestamps. The histories of a project share few shapes."""


class Workflows:
    """The workflow of data rows, as one connection shows it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._people = {person.email: person.id for person in connection.select(Person)}
        self._queues = {queue.id: json_string(queue.name) for queue in connection.select(TaskQueue)}
        self._shapes: dict[Shape, list[str]] = {}

    def render(self, numbers: list[int]) -> dict[tuple[str, int], str]:
        """JSON objects by project id and data row number."""
        clause = match_numbers("data_row_no", numbers)
        columns = "project_id, data_row_no, task_queue_id, workflow_history"
        return {
            (project, number): f'{{"taskName":{DONE if queue is None else self._queues[queue]},'
            f'"Workflow History":[{self._history(history)}]}}'
            for project, number, queue, history in self._connection.select_columns(ProjectRow, columns, clause)
        }

    def _history(self, history: str) -> str:
        """The steps of a stored history, the newest first."""
        first, *rest = history.split(AT)
        shape = (first, *[step[MOMENT:] for step in rest])
        parts = (self._shapes.get(shape) or self._remember(shape, history)).copy()
        parts[1::2] = [step[:ZULU] for step in rest]
        return "".join(parts)

    def _remember(self, shape: Shape, history: str) -> list[str]:
        """Remembers and returns the parts of every history of this shape: at odd positions are its timestamps."""
        if len(self._shapes) >= KEPT:
            self._shapes.clear()
        text = ",".join(map(self._step, decode(history, list[WorkflowStep])))
        around = text.replace(PLACE, f'"createdAt":"{PLACE}Z"').split(PLACE)
        self._shapes[shape] = [part for text in around for part in (text, "")][:-1]
        return self._shapes[shape]

    def _step(self, step: WorkflowStep) -> str:
        """A step, with a place for its timestamp."""
        return f'{{"actorId":{self._actor(step)},"action":{json_string(step.action)}{_tasks(step)}}}'

    def _actor(self, step: WorkflowStep) -> str:
        """The user's id; null for a user who has left the organization (inferred)."""
        person = self._people.get(step.created_by)
        return "null" if person is None else json_string(person)


def _tasks(step: WorkflowStep) -> str:
    """The place of the timestamp, and the queues that a step names."""
    text = f",{PLACE}"
    if step.previous_task_id is not None:
        name = _name(step.previous_task_name)
        text += f',"previousTaskId":{json_string(step.previous_task_id)},"previousTaskName":{name}'
    if step.next_task_id is not None:
        text += f',"nextTaskId":{json_string(step.next_task_id)},"nextTaskName":{_name(step.next_task_name)}'
    return text


def _name(name: str | None) -> str:
    return "null" if name is None else json_string(name)
