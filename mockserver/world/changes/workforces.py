"""Changes of the labeling services that projects hire. Nobody is hired: a service is a record with a status."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from mockserver.errors import MalformedRequest, NotFound
from mockserver.world.change import Change
from mockserver.world.changes.projects import INSTRUCTIONS
from mockserver.world.clause import Clause
from mockserver.world.media import LIVE_CHAT
from mockserver.world.records.events import EventKind
from mockserver.world.records.labels import ProjectRow
from mockserver.world.records.projects import Ontology, Project, ProjectWorkforce
from mockserver.world.store import Store

SET_UP, REQUESTED = "SET_UP", "REQUESTED"


class WorkforceChanges:
    """The changes of one store's labeling services."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def start(self, project_id: str) -> None:
        """Gives a project a labeling service; one that has it keeps it. Raises NotFound."""
        with self._store.change() as change:
            project = change.one(Project, project_id)
            if change.connection.count(ProjectWorkforce, Clause("project_id = :id", id=project.id)):
                return
            owner, service_id = self._store.workspace.user_id, change.new_id()
            change.connection.insert(
                [ProjectWorkforce(project.id, service_id, SET_UP, owner, None, change.now, change.now)]
            )
            change.add_event(EventKind.PROJECT_UPDATED, project=project.id)

    def request(self, project_id: str) -> None:
        """Requests the service. Raises NotFound without a service or an ontology, and MalformedRequest, which names all
        that is missing (SDK labeling_service.py; words of the service: its tests, test_labeling_service.py 7.17.0)."""
        with self._store.change() as change:
            project = change.one(Project, project_id)
            mine = Clause("project_id = :id", id=project.id)
            change.connection.one(ProjectWorkforce, mine, f"The labeling service of project {project_id!r}")
            if project.ontology_id is None:
                raise NotFound("Associated ontology id could not be found")
            missing = [
                {"errorType": kind, "errorMessage": words, "error": words}
                for kind, words in _list_missing(change, project)
            ]
            if missing:
                raise MalformedRequest(". ".join(item["error"] for item in missing), errors=missing)
            owner = self._store.workspace.user_id
            change.connection.update(
                ProjectWorkforce, mine, status=REQUESTED, requested_by=owner, updated_at=change.now
            )
            change.add_event(EventKind.PROJECT_UPDATED, project=project.id)


def _list_missing(change: Change, project: Project) -> Iterator[tuple[str, str]]:
    """Yields what a project lacks before it can be labelled: names and words other than those of the model config are
    inferred."""
    ontology = change.connection.find(Ontology, Clause("id = :id", id=project.ontology_id))
    if ontology is None or not orjson.loads(ontology.normalized).get(INSTRUCTIONS):
        yield "PROJECT_INSTRUCTIONS", "Project instructions are not completed"
    if project.editor_task_type == LIVE_CHAT:
        if not project.model_setup_complete:
            yield "PROJECT_MODEL_CONFIG", "Project model config is not completed"
    elif not change.connection.count(ProjectRow, Clause("project_id = :id", id=project.id)):
        yield "PROJECT_DATA_ROWS", "Project data rows are not completed"
