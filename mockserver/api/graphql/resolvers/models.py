"""Models, their runs, and the data rows in a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields, nothing
from mockserver.api.graphql.filters import condition, unique
from mockserver.api.graphql.pages import Page, page_of, position
from mockserver.errors import BadInput
from mockserver.world.data_rows import DataRow
from mockserver.world.database import Clause
from mockserver.world.models import Model, ModelRun, ModelRunRow
from mockserver.world.queries.conditions import LIVE, match_live_model, match_subquery

APP = "id modelId name description inferenceParams classToSchemaId ontologyId createdBy"
PAGE = 100
"""Where nothing is said; the SDK always says it (pagination.py)."""


def add_to(fields: Fields) -> None:
    fields.add_attributes("Model", Model, "id name ontologyId")
    fields.add("Query", "model", model)
    fields.add("Query", "models", models)
    fields.add("Model", "modelRuns", runs)
    fields.add_attributes("ModelRun", ModelRun, "id name modelId createdBy trainingMetadata createdAt updatedAt")
    fields.add("Query", "modelRun", model_run)
    fields.add("ModelRun", "modelAppId", nothing)
    fields.add("Query", "modelFoundryModelRunInfo", foundry_run_info)
    fields.add("Query", "trainingPipeline", training_pipeline)
    fields.add("Query", "findModelFoundryApp", find_foundry_app)
    fields.add_nulls("ModelFoundryModelRunInfo", "cost status totalDataRows")
    fields.add_nulls("TrainingPipeline", "status errorMessage metadata")
    fields.add_nulls("ModelFoundryApp", APP)
    fields.add_attributes("AnnotationGroup", ModelRunRow, "id labelId modelRunId dataSplit")
    fields.add("AnnotationGroup", "dataRow", data_row)
    fields.add("Query", "annotationGroups", annotation_groups)
    fields.add_attributes("AnnotationGroups", Page, "nodes pageInfo")


def model(_source: Any, call: Call, where: Mapping[str, Any]) -> Model:
    return call.one(Model, unique(Model, where), f"Model {where.get('id') or dict(where)!r}")


def models(_source: Any, call: Call, where: Any = None, skip: int = 0, first: int | None = None) -> list[Model]:
    return call.select(Model, condition(Model, where), order="created_at, id", skip=skip, first=first)


def runs(source: Model, call: Call, where: Any = None, skip: int = 0, first: int | None = None) -> list[ModelRun]:
    asked = condition(ModelRun, where) & Clause("model_id = :id", id=source.id)
    return call.select(ModelRun, asked, order="created_at, id", skip=skip, first=first)


def model_run(_source: Any, call: Call, where: Mapping[str, Any]) -> ModelRun:
    return call.one(ModelRun, unique(ModelRun, where) & match_live_model(), f"Model run {where.get('id')!r}")


def foundry_run_info(_source: Any, call: Call, where: Mapping[str, Any]) -> None:
    """Null: no run of ours was made by Foundry, so none has a cost (SDK model_run.py 7.8). Raises NotFound."""
    model_run(None, call, {"id": where.get("modelRunId")})


def training_pipeline(_source: Any, call: Call, where: Mapping[str, Any]) -> ModelRun:
    """Of a run that nobody has told a status of: every field is null (SDK tests test_model_run.py)."""
    return model_run(None, call, where)


def find_foundry_app(_source: Any, _call: Call, where: Mapping[str, Any]) -> None:
    """No world of ours has apps. SDKs since 7.17 look for the words "not found" in an error of a code that they do not
    know (foundry_client.py); RESOURCE_NOT_FOUND would end in a TypeError there."""
    raise BadInput(f"Foundry app {where.get('id')!r} not found: no workspace here has apps")


def annotation_groups(_source: Any, call: Call, where: Any = None, after: str | None = None, first: int = PAGE) -> Page:
    """The data rows of a run; the cursor is a number in the order in which they joined it."""
    run = model_run(None, call, (where or {}).get("modelRunId") or {})
    asked = Clause("model_run_id = :id AND no > :after", id=run.id, after=position(after))
    asked &= match_subquery("data_row_no", DataRow, "no", LIVE)
    return page_of(call.select(ModelRunRow, asked, order="no", first=first + 1), first)


def data_row(source: ModelRunRow, call: Call) -> DataRow:
    asked = Clause("no = :no", no=source.data_row_no)
    return call.one(DataRow, asked, f"The data row of {source.id!r}")
