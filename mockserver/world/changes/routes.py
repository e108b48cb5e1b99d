"""The ways of data rows along the edges of a workflow that a client set (SDK workflow/edges.py, nodes/).

A node is left by its output `if` when a row was labelled, corrected or approved, and by `else` when it was rejected. No
row waits in a node with conditions: it goes on by `if` when they hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from mockserver.world.change import Change
from mockserver.world.changes.node_conditions import LabelledRow, holds, passes
from mockserver.world.clause import Clause
from mockserver.world.records.labels import Label, ProjectRow
from mockserver.world.records.projects import ProjectWorkflow, TaskQueue

IF, ELSE = "if", "else"
_OUTPUTS = {"else": ELSE, "rejected": ELSE}
"""Names of handles that mean `else`; all others mean `if` (SDK workflow/enums.py NodeOutput)."""
LOGIC, AUTO_QA, DONE, REWORK, FIRST_REWORK = "logic", "auto_qa", "done", "send_to_rework", "initial_rework_task"


class Route(NamedTuple):
    """The end of a way: a queue, or without one Done."""

    queue: TaskQueue | None


class Routes:
    """The nodes and edges of one project's workflow. Without one that a client set there are none."""

    def __init__(self, change: Change, project_id: str) -> None:
        self._change, self._project_id = change, project_id
        workflow = change.connection.find(ProjectWorkflow, Clause("project_id = :id", id=project_id))
        config: Mapping[str, Any] = {} if workflow is None else orjson.loads(workflow.config)
        self._nodes: dict[str, Any] = {node["id"]: node for node in config.get("nodes", [])}
        self._edges = dict(reversed(list(_read_edges(config))))
        """(node, output) -> node; the first edge of several counts."""

    @property
    def exist(self) -> bool:
        return bool(self._nodes)

    def find(self, project_row: ProjectRow, output: str, queues: Mapping[str, TaskQueue]) -> Route | None:
        """The end of the way of a row that leaves its queue by an output; None if no edge leads to a queue or Done."""
        node_id, labelled = project_row.task_queue_id or "", None
        passed = set()
        while (node_id := self._edges.get((node_id, output), "")) and node_id not in passed:
            passed.add(node_id)
            node = self._nodes.get(node_id, {})
            kind = node.get("definitionId")
            if kind == DONE:
                return Route(None)
            if kind == REWORK:
                node_id = next((key for key, item in self._nodes.items() if item["definitionId"] == FIRST_REWORK), "")
            if node_id in queues:
                return Route(queues[node_id])
            check = _CHECKS.get(kind)
            if check is None:
                return None
            labelled = labelled or self._read_row(project_row)
            output = IF if check(node, labelled) else ELSE
        return None

    def _read_row(self, project_row: ProjectRow) -> LabelledRow:
        within = Clause("project_id = :project AND data_row_no = :row AND NOT deleted",
                        project=project_row.project_id, row=project_row.data_row_no)  # fmt: skip
        labels = self._change.connection.select(Label, within, order="no")
        return LabelledRow(self._change.connection, project_row, labels)


_CHECKS = {LOGIC: holds, AUTO_QA: passes}
"""Kinds of nodes in which no row waits -> whether a row leaves them by `if`."""


def _read_edges(config: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    for edge in config.get("edges", []):
        yield (edge["source"], _OUTPUTS.get(str(edge.get("sourceHandle")), IF)), edge["target"]
