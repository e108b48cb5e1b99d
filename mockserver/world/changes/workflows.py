"""Changes of a project's workflow: the nodes and edges that its data rows follow, and the task queues among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import orjson

from mockserver.errors import BadInput, nearest, quote, shorten
from mockserver.world import ids
from mockserver.world.change import Change
from mockserver.world.changes.documents import encode_bounded
from mockserver.world.changes.moves import STATUS_OF_QUEUE
from mockserver.world.clause import Clause
from mockserver.world.kept_texts import describe_length, describe_nul
from mockserver.world.queries.conditions import match_subquery
from mockserver.world.record import encode_json
from mockserver.world.records.events import EventKind
from mockserver.world.records.labels import ProjectRow
from mockserver.world.records.projects import Project, ProjectWorkflow, TaskQueue, queues_of_new_project
from mockserver.world.store import Store

QUEUE_OF_NODE = {
    "initial_labeling_task": "INITIAL_LABELING_QUEUE",
    "initial_rework_task": "MANUAL_REWORK_QUEUE",
    "review_task": "MANUAL_REVIEW_QUEUE",
    "custom_rework_task": "MANUAL_REWORK_QUEUE",
}
"""The kinds of node in which data rows wait, and the types of their queues (that of a custom rework is inferred)."""
INITIAL = ("initial_labeling_task", "initial_rework_task")
NODES = (*QUEUE_OF_NODE, "send_to_rework", "logic", "done", "auto_qa", "unknown")
"""The kinds of node (SDK workflow/enums.py WorkflowDefinitionId)."""
ENDS_OF_EDGE = ("source", "target")
MOST_NODES = 1_000
LONGEST_NAME = 1_000
"""Characters of an id or a label, which each data row of an export repeats."""

Node = Mapping[str, Any]


class Replaced(NamedTuple):
    """A queue that the new workflow does not have, or has with another type."""

    queue: TaskQueue
    heir: TaskQueue
    """The queue in which its data rows wait from now on."""


class WorkflowChanges:
    """The changes of the workflows of one store's projects."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def set_workflow(self, project_id: str, config: Any) -> ProjectWorkflow:
        """Gives a project another workflow. A node with a queue has the queue's id, so that a node that stays keeps its
        data rows; those of a queue that goes wait in the first one of its type, or else for labels. Both are
        activity on these rows, and no step of their history, as nobody acted on them (inferred).

        Raises NotFound, and BadInput, which names the node or edge.
        """
        nodes = check_config(config)
        with self._store.change() as change:
            project = change.one(Project, project_id)
            _replace_queues(change, project_id, nodes)
            workflow = ProjectWorkflow(project.id, encode_bounded("config", config), change.now)
            change.connection.delete(ProjectWorkflow, Clause("project_id = :id", id=project.id))
            change.connection.insert([workflow])
            change.add_event(EventKind.PROJECT_UPDATED, project=project.id)
            return workflow


def copy_workflow(change: Change, project_id: str, copy_id: str) -> None:
    """Gives a new project the workflow and queues of another, with new ids of nodes, as no two queues share one."""
    place = Clause("project_id = :id", id=project_id)
    workflow = change.connection.find(ProjectWorkflow, place)
    if workflow is None:
        change.connection.insert(queues_of_new_project(copy_id, copy_id))
        return
    config = orjson.loads(workflow.config)
    new_ids = {node["id"]: ids.random_uuid(copy_id, node["id"]) for node in config["nodes"]}
    nodes = [node | {"id": new_ids[node["id"]]} for node in config["nodes"]]
    edges = [edge | {end: new_ids[edge[end]] for end in ENDS_OF_EDGE} for edge in config["edges"]]
    text = encode_json(config | {"nodes": nodes, "edges": edges})
    queues = change.connection.select(TaskQueue, place, order="position")
    copies = [msgspec.structs.replace(queue, id=new_ids[queue.id], project_id=copy_id) for queue in queues]
    change.connection.insert([ProjectWorkflow(copy_id, text, change.now), *copies])


def _replace_queues(change: Change, project_id: str, nodes: Sequence[Node]) -> None:
    mine = Clause("project_id = :id", id=project_id)
    old = change.connection.select(TaskQueue, mine, order="position")
    new = list(_build_queues(project_id, nodes, {queue.id: queue for queue in old}))
    for queue, heir in _find_heirs(old, new):
        rows = mine & Clause("task_queue_id = :queue", queue=queue.id)
        status = STATUS_OF_QUEUE[heir.queue_type]
        change.touch_rows(match_subquery("no", ProjectRow, "data_row_no", rows))
        change.connection.update(ProjectRow, rows, task_queue_id=heir.id, workflow_status=status)
    change.connection.delete(TaskQueue, mine)
    taken = Clause("id IN :ids", ids=[queue.id for queue in new])
    for other in change.connection.select(TaskQueue, taken, first=1):
        raise BadInput(f"A node has the id {other.id!r}, which a task queue of another project has; send another id")
    change.connection.insert(new)


def _build_queues(project_id: str, nodes: Sequence[Node], old: Mapping[str, TaskQueue]) -> Iterator[TaskQueue]:
    for position, node in enumerate(nodes):
        if (queue_type := QUEUE_OF_NODE.get(node["definitionId"])) is not None:
            known = old.get(node["id"])
            name = node.get("label") or (known.name if known else node["definitionId"].replace("_", " ").capitalize())
            description = known.description if known else ""
            yield TaskQueue(node["id"], project_id, position, name, description, queue_type)


def _find_heirs(old: Sequence[TaskQueue], new: Sequence[TaskQueue]) -> Iterator[Replaced]:
    by_id = {queue.id: queue for queue in new}
    first = next(queue for queue in new if queue.queue_type == QUEUE_OF_NODE[INITIAL[0]])
    for queue in old:
        same = by_id.get(queue.id)
        if same is None:
            yield Replaced(queue, next((other for other in new if other.queue_type == queue.queue_type), first))
        elif same.queue_type != queue.queue_type:
            yield Replaced(queue, same)


# What a client sends


def check_config(config: Any) -> list[Node]:
    """The nodes of a workflow. Raises BadInput."""
    if not isinstance(config, dict):
        raise BadInput(f"config is {shorten(repr(config), 80)}; expected an object with nodes and edges")
    nodes, edges = (_list_objects(config, key) for key in ("nodes", "edges"))
    for index, node in enumerate(nodes):
        _check_node(node, f"config.nodes[{index}]")
    ids = [node["id"] for node in nodes]
    for index, node_id in enumerate(ids):
        if node_id in ids[:index]:
            raise BadInput(
                f"config.nodes[{index}].id is {node_id!r}, as that of a node before; expected an id of its own"
            )
    for index, edge in enumerate(edges):
        _check_edge(edge, ids, f"config.edges[{index}]")
    for kind in INITIAL:
        if (count := sum(node["definitionId"] == kind for node in nodes)) != 1:
            raise BadInput(f"config.nodes has {count} nodes of the kind {kind!r}; expected exactly one")
    return nodes


def _list_objects(config: Mapping[str, Any], key: str) -> list[Any]:
    value = config.get(key)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise BadInput(f"config.{key} is {shorten(repr(value), 80)}; expected a list of objects")
    if len(value) > MOST_NODES:
        raise BadInput(f"config.{key} has {len(value):,} entries; expected at most {MOST_NODES:,}")
    return value


def _check_node(node: Node, path: str) -> None:
    for key in ("id", "definitionId"):
        if not isinstance(node.get(key), str) or not node[key].strip():
            raise BadInput(f"{path}.{key} is {shorten(repr(node.get(key)), 80)}; expected a text that is not empty")
    if node["definitionId"] not in NODES:
        offered = quote(nearest(node["definitionId"], NODES) or sorted(NODES))
        raise BadInput(f"{path}.definitionId is {node['definitionId']!r}; expected one of {offered}")
    if not isinstance(node.get("label", ""), str | None):
        raise BadInput(f"{path}.label is {shorten(repr(node['label']), 80)}; expected a text")
    for key in ("id", "label"):
        text = node.get(key) or ""
        if len(text) > LONGEST_NAME:
            raise BadInput(describe_length(f"{path}.{key}", text, LONGEST_NAME))
        if "\0" in text:
            raise BadInput(describe_nul(f"{path}.{key}", text))


def _check_edge(edge: Mapping[str, Any], ids: Sequence[str], path: str) -> None:
    for key in ENDS_OF_EDGE:
        if edge.get(key) not in ids:
            raise BadInput(f"{path}.{key} is {shorten(repr(edge.get(key)), 80)}; expected the id of a node")
