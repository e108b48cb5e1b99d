"""Changes of models and their runs: which data rows and labels a run has, its splits, its configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from mockserver.errors import MalformedRequest
from mockserver.world import ids
from mockserver.world.change import Change
from mockserver.world.changes.documents import encode_bounded
from mockserver.world.changes.row_lookup import RowRef
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.queries.conditions import match_live_model
from mockserver.world.records.events import EventKind
from mockserver.world.records.labels import Label
from mockserver.world.records.models import DataSplit, Model, ModelRun, ModelRunRow, Prediction, RunMetric
from mockserver.world.records.projects import Ontology
from mockserver.world.store import Store


class ModelChanges:
    """The changes of one store's models."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # Models and runs

    def create_model(self, name: str, ontology_id: str | None) -> Model:
        """Raises NotFound for an unknown ontology."""
        with self._store.change() as change:
            if ontology_id is not None:
                change.one(Ontology, ontology_id)
            model_id, user = ids.plain_uuid(change.new_id()), self._store.workspace.user_id
            model = Model(model_id, name, ontology_id, user, change.now, change.now, deleted=False)
            change.connection.insert([model])
            change.add_event(EventKind.MODEL_UPDATED, model=model.id)
            return model

    def create_run(self, model_id: str, name: str, config: Any = None) -> ModelRun:
        """Raises NotFound."""
        with self._store.change() as change:
            model = change.one(Model, model_id)
            run_id, user = ids.plain_uuid(change.new_id()), self._store.workspace.user_id
            metadata = None if config is None else encode_bounded("trainingMetadata of the model run", config)
            run = ModelRun(
                run_id, model.id, name, metadata, None, user, change.now, change.now, deleted=False,
            )  # fmt: skip
            change.connection.insert([run])
            change.add_event(EventKind.MODEL_UPDATED, model=model.id, run=run.id)
            return run

    def delete_models(self, model_ids: Sequence[str]) -> None:
        """Deletes models with their runs. Raises NotFound."""
        with self._store.change() as change:
            for model_id in model_ids:
                model = change.one(Model, model_id)
                place = Clause("id = :id", id=model.id)
                change.connection.update(Model, place, deleted=True, updated_at=change.now)
                change.add_event(EventKind.MODEL_UPDATED, model=model.id)

    def delete_runs(self, run_ids: Sequence[str]) -> None:
        """Raises NotFound."""
        with self._store.change() as change:
            for run_id in run_ids:
                _update_run(change, find_run(change, run_id), deleted=True)

    def set_config(self, run_id: str, config: Mapping[str, Any] | None) -> ModelRun:
        """Adds to the configuration of a run, or without one clears it (adding is inferred). Raises NotFound."""
        with self._store.change() as change:
            run = find_run(change, run_id)
            known = orjson.loads(run.training_metadata) if run.training_metadata is not None else {}
            merged = {**(known if isinstance(known, dict) else {}), **config} if config is not None else None
            text = None if merged is None else encode_bounded("The configuration of the model run", merged)
            return _update_run(change, run, training_metadata=text)

    def set_pipeline(self, run_id: str, pipeline: Mapping[str, Any]) -> ModelRun:
        """Changes the reported state of the training: what is not sent stays, and metadata are added (SDK tests
        test_model_run.py, test_model_run_status). Raises NotFound."""
        with self._store.change() as change:
            run = find_run(change, run_id)
            known: dict[str, Any] = orjson.loads(run.training_pipeline or "{}")
            merged = known | {name: value for name, value in pipeline.items() if value is not None}
            if isinstance(known.get("metadata"), dict) and isinstance(merged["metadata"], dict):
                merged["metadata"] = known["metadata"] | merged["metadata"]
            text = encode_bounded("The training pipeline of the model run", merged)
            return _update_run(change, run, training_pipeline=text)

    # Data rows of a run

    def add_rows(self, run_id: str, rows: Sequence[RowRef]) -> None:
        """Adds data rows to a run, without labels; those that it has stay as they are. Raises NotFound."""
        with self._store.change() as change:
            run = find_run(change, run_id)
            _insert_rows(change, run, [row.no for row in rows])
            _update_run(change, run)

    def add_labels(self, run_id: str, label_ids: Sequence[str]) -> None:
        """Adds labels to a run with their data rows. The last label of a data row is the one that predictions are
        compared with (inferred). Raises NotFound, and MalformedRequest for a label that does not exist."""
        with self._store.change() as change:
            run = find_run(change, run_id)
            rows = find_rows_of_labels(change.connection, label_ids)
            by_row = {rows[label_id]: label_id for label_id in label_ids}
            _insert_rows(change, run, list(by_row))
            for number, label_id in by_row.items():
                change.connection.update(ModelRunRow, _match_row(run, number), label_id=label_id)
            _update_run(change, run)

    def remove_rows(self, run_id: str, rows: Sequence[RowRef]) -> None:
        """Removes data rows with their predictions and metrics from a run. Raises NotFound."""
        with self._store.change() as change:
            run = find_run(change, run_id)
            for row in rows:
                change.connection.delete(ModelRunRow, _match_row(run, row.no))
                for kind in (Prediction, RunMetric):
                    change.connection.delete(kind, _match_row(run, row.no))
            _update_run(change, run)

    def assign_split(self, run_id: str, split: DataSplit, rows: Sequence[RowRef]) -> None:
        """Raises NotFound, and MalformedRequest when a data row is not in the run."""
        with self._store.change() as change:
            run = find_run(change, run_id)
            check_in_run(change.connection, run.id, rows)
            for row in rows:
                change.connection.update(ModelRunRow, _match_row(run, row.no), data_split=split)
            _update_run(change, run)


def find_rows_of_labels(connection: Connection, label_ids: Sequence[str]) -> dict[str, int]:
    """The numbers of the data rows of labels by the ids of the labels. Raises MalformedRequest for labels that do not
    exist."""
    live = Clause("id IN :ids AND NOT deleted", ids=list(label_ids))
    known = dict[str, int](connection.select_columns(Label, "id, data_row_no", live))
    if missing := [label_id for label_id in label_ids if label_id not in known]:
        raise MalformedRequest(
            f"{len(missing):,} labels do not exist in this workspace or are deleted; the first is {missing[0]!r}"
        )
    return known


def check_in_run(connection: Connection, run_id: str, rows: Sequence[RowRef]) -> None:
    """Raises MalformedRequest when a data row is not in a run."""
    members = connection.select_columns(ModelRunRow, "data_row_no", Clause("model_run_id = :id", id=run_id))
    known = {number for (number,) in members}
    for row in rows:
        if row.no not in known:
            raise MalformedRequest(f"Data row {row.id!r} is not in model run {run_id!r}; add it to the run first")


def find_run(change: Change, run_id: str) -> ModelRun:
    """A run that is not deleted, nor its model. Raises NotFound."""
    live = Clause("id = :id AND NOT deleted", id=run_id) & match_live_model()
    return change.connection.one(ModelRun, live, f"Model run {run_id!r}")


def _insert_rows(change: Change, run: ModelRun, numbers: Sequence[int]) -> None:
    rows = change.connection.select_columns(ModelRunRow, "data_row_no", Clause("model_run_id = :id", id=run.id))
    known = {number for (number,) in rows}
    new = [number for number in dict.fromkeys(numbers) if number not in known]
    place, row_ids = change.number(ModelRunRow), change.new_ids(len(new))
    change.connection.insert(
        ModelRunRow(place + index, row_id, run.id, number, DataSplit.UNASSIGNED, None)
        for index, (number, row_id) in enumerate(zip(new, row_ids, strict=True))
    )


def _match_row(run: ModelRun, number: int) -> Clause:
    return Clause("model_run_id = :id AND data_row_no = :number", id=run.id, number=number)


def _update_run(change: Change, run: ModelRun, **values: Any) -> ModelRun:
    place = Clause("id = :id", id=run.id)
    change.connection.update(ModelRun, place, updated_at=change.now, **values)
    change.add_event(EventKind.MODEL_UPDATED, model=run.model_id, run=run.id)
    return change.connection.select(ModelRun, place)[0]
