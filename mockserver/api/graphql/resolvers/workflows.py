"""How the rows of a project go from queue to queue (SDK workflow/workflow.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.resolvers.projects import list_task_queues
from mockserver.errors import BadInput
from mockserver.world import ids
from mockserver.world.clause import Clause
from mockserver.world.records.projects import Project, ProjectWorkflow

NODES = {
    "INITIAL_LABELING_QUEUE": "initial_labeling_task",
    "MANUAL_REVIEW_QUEUE": "review_task",
    "MANUAL_REWORK_QUEUE": "initial_rework_task",
}
"""The kind of a node by that of its queue (SDK workflow/enums.py)."""
STEP = 300
"""Pixels between two nodes on the page of a workflow (inferred)."""


class Workflow(msgspec.Struct, frozen=True):
    project_id: str
    config: dict[str, Any]
    created_at: int
    updated_at: int


def add_to(fields: Fields) -> None:
    fields.add("Query", "projectWorkflow", build_project_workflow)
    fields.add("Mutation", "updateProjectWorkflow", update_project_workflow, long=True)
    fields.add_attributes("ProjectWorkflow", Workflow, "projectId config createdAt updatedAt")


def build_project_workflow(_source: Any, call: Call, projectId: str) -> Workflow:
    """The workflow that a client set, or the queues of a project as nodes, joined as a new project has them."""
    project = _find_project(call, projectId)
    known = call.select(ProjectWorkflow, Clause("project_id = :id", id=project.id))
    if not known:
        return Workflow(project.id, _build_config(project, call), project.created_at, project.updated_at)
    return Workflow(project.id, orjson.loads(known[0].config), project.created_at, known[0].updated_at)


def update_project_workflow(_source: Any, call: Call, input: Mapping[str, Any]) -> Workflow:
    if input.get("routeDataRows"):
        raise BadInput(
            "routeDataRows was sent, which no SDK sends and which is not imitated; the data rows of a queue that goes"
            " wait in the first one of its type, or else for labels"
        )
    call.workspace.workflows.set_workflow(input["projectId"], input["config"])
    return build_project_workflow(None, call, input["projectId"])


def _find_project(call: Call, project_id: str) -> Project:
    return call.get(Project, project_id)


def _build_config(project: Project, call: Call) -> dict[str, Any]:
    """The graph of a new project: data rows that are labelled or corrected go to review, and then to Done or Rework."""
    steps = [(queue.id, NODES[queue.queue_type], queue.name) for queue in list_task_queues(project, call)]
    steps += [(ids.random_uuid(project.id, kind), kind, name) for kind, name in ENDS]
    nodes = [
        {"id": id_, "definitionId": kind, "label": name, "position": {"x": STEP * place, "y": 0}}
        for place, (id_, kind, name) in enumerate(steps)
    ]
    of_kind = {kind: id_ for id_, kind, _ in steps}
    return {
        "nodes": nodes,
        "edges": [_build_edge(of_kind[source], way, of_kind[target]) for source, way, target in WAYS],
    }


ENDS = (("done", "Done"), ("send_to_rework", "Rework"))
WAYS = (
    ("initial_labeling_task", "if", "review_task"),
    ("initial_rework_task", "if", "review_task"),
    ("review_task", "if", "done"),
    ("review_task", "else", "send_to_rework"),
)
"""From, by which way out, to: "if" is approved, "else" rejected (SDK workflow/enums.py NodeOutput)."""


def _build_edge(source: str, way: str, target: str) -> dict[str, str]:
    return {
        "id": f"xy-edge__{source}{way}-{target}in",
        "source": source,
        "target": target,
        "sourceHandle": way,
        "targetHandle": "in",
    }
