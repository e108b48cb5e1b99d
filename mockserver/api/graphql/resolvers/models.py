"""Models, their runs, and the data rows in a run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Unpack

import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import build_unique_condition
from mockserver.api.graphql.pages import Page, Window, build_page, parse_cursor
from mockserver.world.clause import Clause
from mockserver.world.queries.conditions import LIVE, match_live_model, match_subquery
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.models import Model, ModelRun, ModelRunRow

PAGE = 100
"""Data rows of a page without `first`; SDKs always send it (pagination.py)."""


def add_to(fields: Fields) -> None:
    fields.add_attributes("Model", Model, "id name ontologyId")
    fields.add("Query", "model", find_model)
    fields.add("Query", "models", list_models)
    fields.add("Model", "modelRuns", list_runs)
    fields.add_attributes(
        "ModelRun", ModelRun, "id name modelId createdBy trainingMetadata createdAt updatedAt modelAppId"
    )
    fields.add("Query", "modelRun", find_run)
    fields.add("Query", "trainingPipeline", find_training_pipeline)
    for name in ("status", "errorMessage", "metadata"):
        fields.add("TrainingPipeline", name, partial(get_pipeline_field, name))
    fields.add_attributes("AnnotationGroup", ModelRunRow, "id labelId modelRunId dataSplit")
    fields.add("AnnotationGroup", "dataRow", find_data_row)
    fields.add("Query", "annotationGroups", list_annotation_groups)
    fields.add_attributes("AnnotationGroups", Page, "nodes pageInfo")


def find_model(_source: Any, call: Call, where: Mapping[str, Any]) -> Model:
    return call.get_unique(Model, where)


def list_models(_source: Any, call: Call, where: Any = None, **window: Unpack[Window]) -> list[Model]:
    return call.search(Model, where, order="created_at, id", **window)


def list_runs(source: Model, call: Call, where: Any = None, **window: Unpack[Window]) -> list[ModelRun]:
    return call.search(ModelRun, where, Clause("model_id = :id", id=source.id), order="created_at, id", **window)


def find_run(_source: Any, call: Call, where: Mapping[str, Any]) -> ModelRun:
    return call.one(
        ModelRun, build_unique_condition(ModelRun, where) & match_live_model(), f"Model run {where.get('id')!r}"
    )


def find_training_pipeline(_source: Any, call: Call, where: Mapping[str, Any]) -> ModelRun:
    """The state of a training that was reported last; every field is null before (SDK tests test_model_run.py)."""
    return find_run(None, call, where)


def get_pipeline_field(name: str, source: ModelRun, _call: Call) -> Any:
    return None if source.training_pipeline is None else orjson.loads(source.training_pipeline).get(name)


def list_annotation_groups(
    _source: Any, call: Call, where: Any = None, after: str | None = None, first: int = PAGE
) -> Page:
    """The data rows of a run; the cursor is a number in the order in which they joined it."""
    run = find_run(None, call, (where or {}).get("modelRunId") or {})
    rows = Clause("model_run_id = :id AND no > :after", id=run.id, after=parse_cursor(after))
    rows &= match_subquery("data_row_no", DataRow, "no", LIVE)
    return build_page(call.select(ModelRunRow, rows, order="no", first=first + 1), first)


def find_data_row(source: ModelRunRow, call: Call) -> DataRow:
    number = Clause("no = :no", no=source.data_row_no)
    return call.one(DataRow, number, f"The data row of {source.id!r}")
