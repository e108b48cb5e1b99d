"""Changes of the configurations of models that answer in chats."""

from __future__ import annotations

from typing import Any

from mockserver.errors import BadInput, Conflict, NotAllowed
from mockserver.world import ids
from mockserver.world.change import Change
from mockserver.world.changes.documents import encode_bounded
from mockserver.world.clause import Clause
from mockserver.world.media import LIVE_CHAT
from mockserver.world.records.events import EventKind
from mockserver.world.records.models import ModelConfig, ProjectModelConfig
from mockserver.world.records.projects import Project
from mockserver.world.store import Store


class ModelConfigChanges:
    """The changes of one store's model configurations."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, model_id: str, name: str, inference_params: Any) -> ModelConfig:
        """The model is one of the service's catalog, so its id is not checked."""
        with self._store.change() as change:
            text = encode_bounded("inferenceParams", inference_params)
            config = ModelConfig(ids.random_uuid(change.new_id()), model_id, name, text, change.now)
            change.connection.insert([config])
            change.add_event(EventKind.MODEL_UPDATED, config=config.id)
            return config

    def delete(self, config_id: str) -> None:
        """Deletes a config, from the projects that use it as well (the SDK's tests, conftest.py `model_config` 7.17.0).
        Raises NotFound."""
        with self._store.change() as change:
            config = change.one(ModelConfig, config_id)
            change.connection.delete(ProjectModelConfig, Clause("model_config_id = :id", id=config.id))
            change.connection.delete(ModelConfig, Clause("id = :id", id=config.id))
            change.add_event(EventKind.MODEL_UPDATED, config=config.id)

    def add_to_project(
        self, project_id: str, config_id: str, response_count: int | None, *, chats_only: bool
    ) -> ProjectModelConfig:
        """Raises NotFound, Conflict if the project has it, BadInput once the models of the project are complete."""
        with self._store.change() as change:
            project = _find_open(change, project_id, chats_only=chats_only)
            config = change.one(ModelConfig, config_id)
            same = Clause("project_id = :project AND model_config_id = :id", project=project.id, id=config.id)
            if change.connection.count(ProjectModelConfig, same):
                raise Conflict(f"Project {project_id!r} has the model config {config_id!r} already")
            link = ProjectModelConfig(ids.random_uuid(change.new_id()), project.id, config.id, response_count)
            change.connection.insert([link])
            change.add_event(EventKind.PROJECT_UPDATED, project=project.id)
            return link

    def remove_from_project(self, link_id: str, *, chats_only: bool) -> None:
        """Raises NotFound, BadInput."""
        with self._store.change() as change:
            link = change.one(ProjectModelConfig, link_id)
            _find_open(change, link.project_id, chats_only=chats_only)
            change.connection.delete(ProjectModelConfig, Clause("id = :id", id=link.id))
            change.add_event(EventKind.PROJECT_UPDATED, project=link.project_id)

    def complete(self, project_id: str, *, complete: bool) -> Project:
        """Says whether the models of a project are complete. Raises NotFound, and NotAllowed for a project without live
        chats (in the words of the service: the SDK's tests, test_project_set_model_setup_complete.py 7.17.0)."""
        with self._store.change() as change:
            project = change.one(Project, project_id)
            if project.editor_task_type != LIVE_CHAT:
                raise NotAllowed("Only live model chat evaluation projects can complete model setup")
            place = Clause("id = :id", id=project.id)
            change.connection.update(Project, place, model_setup_complete=complete, updated_at=change.now)
            change.add_event(EventKind.PROJECT_UPDATED, project=project.id)
            return change.one(Project, project_id)


def _find_open(change: Change, project_id: str, *, chats_only: bool) -> Project:
    """A project whose models can be changed. Raises BadInput; once they are complete in the words of the service, which
    are the same for every change (the SDK's tests, test_project_set_model_setup_complete.py 5.2.1)."""
    project = change.one(Project, project_id)
    if chats_only and project.editor_task_type != LIVE_CHAT:
        raise BadInput(
            f"Project {project_id!r} has no live chats, so it has no model configs; expected a project of the editor"
            f" {LIVE_CHAT}"
        )
    if project.model_setup_complete:
        raise BadInput("Cannot create model config for project because model setup is complete")
    return project
