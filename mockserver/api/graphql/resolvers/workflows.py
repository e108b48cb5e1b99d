"""How the rows of a project go from queue to queue (SDK workflow/workflow.py), and who is hired to label them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call, call_of
from mockserver.api.graphql.resolvers.fields import Fields, nothing
from mockserver.api.graphql.resolvers.projects import task_queues
from mockserver.world import ids
from mockserver.world.database import Clause
from mockserver.world.projects import Project

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
    fields.add(Query_projectWorkflow=project_workflow, Query_projectBoostWorkforce=project_boost_workforce)
    fields.attributes("ProjectWorkflow", Workflow, "projectId config createdAt updatedAt")
    service = "id projectId createdAt updatedAt createdById status"
    fields.add(**{f"ProjectBoostWorkforce_{name}": nothing for name in service.split()})


def project_workflow(_source: Any, info: Any, projectId: str) -> Workflow:  # noqa: N803  the wire's word
    """The queues of a project as nodes, joined as a new project has them."""
    project = _project(call_of(info), projectId)
    return Workflow(project.id, _config(project, info), project.created_at, project.updated_at)


def _project(call: Call, project_id: str) -> Project:
    return call.one(Project, Clause("id = :id AND NOT deleted", id=project_id), f"Project {project_id!r}")


def _config(project: Project, info: Any) -> dict[str, Any]:
    """What is labelled or mended is reviewed; then it is done, or goes to be mended."""
    steps = [(queue.id, NODES[queue.queue_type], queue.name) for queue in task_queues(project, info)]
    steps += [(ids.random_uuid(project.id, kind), kind, name) for kind, name in ENDS]
    nodes = [
        {"id": id_, "definitionId": kind, "label": name, "position": {"x": STEP * place, "y": 0}}
        for place, (id_, kind, name) in enumerate(steps)
    ]
    of_kind = {kind: id_ for id_, kind, _ in steps}
    return {"nodes": nodes, "edges": [_edge(of_kind[source], way, of_kind[target]) for source, way, target in WAYS]}


ENDS = (("done", "Done"), ("send_to_rework", "Rework"))
WAYS = (
    ("initial_labeling_task", "if", "review_task"),
    ("initial_rework_task", "if", "review_task"),
    ("review_task", "if", "done"),
    ("review_task", "else", "send_to_rework"),
)
"""From, by which way out, to: "if" is approved, "else" rejected (SDK workflow/enums.py NodeOutput)."""


def _edge(source: str, way: str, target: str) -> dict[str, str]:
    return {
        "id": f"xy-edge__{source}{way}-{target}in",
        "source": source,
        "target": target,
        "sourceHandle": way,
        "targetHandle": "in",
    }


def project_boost_workforce(_source: Any, info: Any, data: Mapping[str, Any]) -> None:
    """Null: nobody of ours hires labellers. Raises NotFound when there is no such project."""
    _project(call_of(info), str(data.get("projectId")))
