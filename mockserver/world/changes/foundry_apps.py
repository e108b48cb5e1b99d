"""Changes of apps of the service's model catalog, and of the model runs that they fill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mockserver.errors import Conflict
from mockserver.world import ids
from mockserver.world.change import Change
from mockserver.world.changes.documents import encode_bounded
from mockserver.world.changes.models import ModelChanges, find_run
from mockserver.world.changes.row_lookup import RowRef
from mockserver.world.clause import Clause
from mockserver.world.record import JsonText
from mockserver.world.records.events import EventKind
from mockserver.world.records.labels import Body
from mockserver.world.records.models import FoundryApp, Model, ModelRun, Prediction
from mockserver.world.records.projects import Ontology
from mockserver.world.store import Store

MOST_APPS = 1_000


class AppSettings(NamedTuple):
    """Everything about an app that a client chooses."""

    model_id: str
    name: str
    description: str | None
    inference_params: Mapping[str, Any]
    class_to_schema_id: Mapping[str, str]
    ontology_id: str


class Predicted(NamedTuple):
    """The prediction on a data row, as a body."""

    row: RowRef
    content: bytes
    aside: JsonText | None


class FoundryAppChanges:
    """The changes of one store's apps."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, settings: AppSettings) -> FoundryApp:
        """Raises NotFound for an unknown ontology, Conflict, BadInput."""
        with self._store.change() as change:
            if change.connection.count(FoundryApp) >= MOST_APPS:
                raise Conflict(f"There are {MOST_APPS:,} foundry apps already; delete one first")
            ontology = change.one(Ontology, settings.ontology_id)
            app = FoundryApp(
                ids.random_uuid(change.new_id()), settings.model_id, settings.name, settings.description,
                encode_bounded("inferenceParams", dict(settings.inference_params)),
                encode_bounded("classToSchemaId", dict(settings.class_to_schema_id)), ontology.id, None,
                self._store.workspace.user_id, change.now,
            )  # fmt: skip
            change.connection.insert([app])
            change.add_event(EventKind.MODEL_UPDATED, app=app.id)
            return app

    def delete(self, app_id: str) -> None:
        """Deletes an app; its runs stay. Raises NotFound."""
        with self._store.change() as change:
            app = change.one(FoundryApp, app_id)
            change.connection.delete(FoundryApp, Clause("id = :id", id=app.id))
            change.add_event(EventKind.MODEL_UPDATED, app=app.id)

    def create_run(self, name: str, ontology_id: str, app_id: str | None, config: Mapping[str, Any]) -> ModelRun:
        """Creates a run of the app's model, which is created with the first run, or of a model of its own without an
        app. Raises NotFound."""
        models = ModelChanges(self._store)
        with self._store.change() as change:
            app = None if app_id is None else change.one(FoundryApp, app_id)
            experiment = None if app is None else _find_experiment(change, app)
            if experiment is None:
                experiment = models.create_model(name if app is None else app.name, ontology_id)
            run = models.create_run(experiment.id, name, dict(config))
            if app is not None:
                change.connection.update(FoundryApp, Clause("id = :id", id=app.id), experiment_id=experiment.id)
                change.connection.update(ModelRun, Clause("id = :id", id=run.id), model_app_id=app.id)
            return change.one(ModelRun, run.id)

    def add_predictions(self, run_id: str, predictions: Sequence[Predicted]) -> None:
        """Adds data rows with their predictions to a run. Raises NotFound."""
        with self._store.change() as change:
            run = find_run(change, run_id)
            ModelChanges(self._store).add_rows(run.id, [item.row for item in predictions])
            number, first = change.number(Prediction), change.body_id()
            new_ids = change.new_ids(len(predictions))
            change.connection.insert(
                Body(first + index, item.content, item.aside) for index, item in enumerate(predictions)
            )
            change.connection.insert(
                Prediction(
                    number + index, new_id, run.id, item.row.no, ids.feature_prefix(new_id), first + index,
                    run.created_by, change.now, change.now,
                )
                for index, (new_id, item) in enumerate(zip(new_ids, predictions, strict=True))
            )  # fmt: skip


def _find_experiment(change: Change, app: FoundryApp) -> Model | None:
    """The model of the app's runs; None before its first run, or when it was deleted."""
    return change.connection.find(Model, Clause("id = :id AND NOT deleted", id=app.experiment_id))
