"""Apps of the model catalog that are run on data rows: their predictions are drawn like those of generated runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mockserver.generate.chance import Chance
from mockserver.generate.changes import annotate
from mockserver.generate.features import Ontology, parse_ontology
from mockserver.generate.models import predict
from mockserver.world.changes.foundry_apps import FoundryAppChanges, Predicted
from mockserver.world.changes.row_lookup import RowRef
from mockserver.world.clause import Clause
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import parse_body, render_body
from mockserver.world.records.models import ModelRun
from mockserver.world.records.projects import Ontology as OntologyRecord
from mockserver.world.store import Store

TOGETHER = 200
"""Data rows of one transaction."""


class ModelJob(NamedTuple):
    """A run to be filled: on which data rows, with which features, from which confidence on."""

    run: ModelRun
    rows: Sequence[RowRef]
    ontology_id: str
    classes: Mapping[str, str]
    """Class -> feature schema id; none: all features."""
    confidence: float


def fill_run(store: Store, job: ModelJob, check_running: Callable[[], None]) -> None:
    """Adds the data rows with predictions to the run, some at a time. Rows whose contents only their owner has get an
    empty prediction."""
    with store.reading() as connection:
        record = connection.one_by_id(OntologyRecord, job.ontology_id)
    ontology = parse_ontology(record.id, record.normalized)
    changes = FoundryAppChanges(store)
    for first in range(0, len(job.rows), TOGETHER):
        check_running()
        changes.add_predictions(
            job.run.id, list(_predict_rows(store, job, ontology, job.rows[first : first + TOGETHER]))
        )


def _predict_rows(store: Store, job: ModelJob, ontology: Ontology, rows: Sequence[RowRef]) -> Iterator[Predicted]:
    seed = store.workspace.seed
    with store.reading() as connection:
        known = {row.no: row for row in connection.select(DataRow, Clause("id IN :ids", ids=[row.id for row in rows]))}
    for row in rows:
        variant = annotate(known[row.no], ontology, seed=seed)
        chance = Chance(seed, "foundry", job.run.id, row.id)
        content = predict(variant.content, chance, (job.confidence, 1.0))
        yield Predicted(row, _keep_classes(content, job.classes), variant.aside)


def _keep_classes(content: bytes, classes: Mapping[str, str]) -> bytes:
    """The body without objects and answers of other features than the app predicts."""
    if not classes:
        return content
    schema_ids, document = set(classes.values()), parse_body(content)
    for key in ("objects", "classifications"):
        if isinstance(document.get(key), list):
            document[key] = [item for item in document[key] if item.get("feature_schema_id") in schema_ids]
    if "relationships" in document:
        document["relationships"] = []
    return render_body(document)


def read_confidence(params: Mapping[str, Any]) -> float:
    """The lowest confidence of predictions; 0.5 without one that makes sense (inferred)."""
    value = params.get("confidence")
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else 0.5
