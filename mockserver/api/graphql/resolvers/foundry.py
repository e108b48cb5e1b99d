"""Apps of the model catalog, and model runs that they fill (SDK foundry/foundry_client.py, model_run.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.dates import MISSING_APP_IS_NAMED, is_since
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.api.graphql.resolvers.models import find_run
from mockserver.api.graphql.resolvers.waiting import wait_for
from mockserver.api.graphql.texts import check_texts
from mockserver.errors import BadInput, MalformedRequest, QueryNotValid
from mockserver.exports.request import ExportParams
from mockserver.exports.scope import build_catalog_scope
from mockserver.world.changes.foundry_apps import AppSettings
from mockserver.world.changes.row_lookup import RowRef, find_data_rows
from mockserver.world.clause import Clause
from mockserver.world.records.models import FoundryApp, ModelRun, ModelRunRow
from mockserver.world.records.tasks import RUN_APP, Task

APP = "id modelId name description inferenceParams classToSchemaId ontologyId createdBy"
MOST_ROWS = 100_000


class RunInfo(msgspec.Struct, frozen=True):
    """The cost and size of a run of an app. Nothing costs anything here (inferred)."""

    total_data_rows: int
    cost: float = 0.0
    status: str = "COMPLETE"


def add_to(fields: Fields) -> None:
    fields.add("Query", "findModelFoundryApp", find_app)
    fields.add("Mutation", "createModelFoundryApp", create_app)
    fields.add("Mutation", "deleteModelFoundryApp", delete_app)
    fields.add("Mutation", "createModelJobForDataRows", run_on_rows)
    fields.add("Mutation", "createModelJob", run_on_query)
    fields.add_attributes("ModelFoundryApp", FoundryApp, APP)
    fields.add("Query", "modelFoundryModelRunInfo", find_run_info)
    fields.add_attributes("ModelFoundryModelRunInfo", RunInfo, "cost status totalDataRows")


def find_app(_source: Any, call: Call, where: Mapping[str, Any]) -> FoundryApp:
    """SDKs since 7.17 look for the words "not found" in an error of a code that they do not know (foundry_client.py);
    RESOURCE_NOT_FOUND would end in a TypeError there. Earlier ones look for a query that is not valid. Raises BadInput,
    QueryNotValid."""
    app = call.find(FoundryApp, read_id(where, "findModelFoundryApp"))
    if app is None:
        error = BadInput if is_since(call.store, MISSING_APP_IS_NAMED) else QueryNotValid
        raise error(f"Foundry app {where.get('id')!r} not found in this workspace")
    return app


def create_app(_source: Any, call: Call, input: Mapping[str, Any]) -> FoundryApp:
    """Raises NotFound for an unknown ontology, BadInput."""
    check_texts(input)
    if not input["name"].strip():
        raise BadInput(f"A foundry app has the name {input['name']!r}; expected a text that is not empty")
    params, classes = _read_params(input)
    return call.workspace.foundry_apps.create(
        AppSettings(
            input["modelId"], input["name"], input.get("description"), params, classes, input["ontologyId"],
        )
    )  # fmt: skip


def _read_params(input: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The parameters of the model, and the features of its classes. Raises BadInput."""
    values = {key: {} if input.get(key) is None else input[key] for key in ("inferenceParams", "classToSchemaId")}
    for key, value in values.items():
        if not isinstance(value, dict):
            raise BadInput(f"{key} is {str(value)[:100]!r}; expected an object")
    params, classes = values.values()
    if not all(isinstance(value, str) for value in classes.values()):
        raise BadInput("classToSchemaId has a value that is no text; expected ids of feature schemas")
    return params, classes


def delete_app(_source: Any, call: Call, id: str) -> bool:
    call.workspace.foundry_apps.delete(id)
    return True


async def run_on_rows(_source: Any, call: Call, input: Mapping[str, Any]) -> str:
    """Starts a run of an app on data rows. Raises NotFound, MalformedRequest for data rows that do not exist."""
    row_ids, keys = input.get("dataRowIds") or [], input.get("globalKeys") or []
    return await _start(call, input, await asyncio.to_thread(_find_rows, call, row_ids, keys))


def _find_rows(call: Call, row_ids: list[str], keys: list[str]) -> list[RowRef]:
    with call.read() as connection:
        return find_data_rows(connection, row_ids, keys)


async def run_on_query(_source: Any, call: Call, input: Mapping[str, Any]) -> str:
    """Starts a run on the data rows that a search of the catalog finds (SDK 3.60). Raises NotFound, BadInput."""
    query = input["searchQuery"].get("query") if isinstance(input["searchQuery"], dict) else None
    if not isinstance(query, list):
        raise BadInput(f"searchQuery is {str(input['searchQuery'])[:100]!r}; expected an object with a list query")
    return await _start(call, input, await asyncio.to_thread(_search_rows, call, query))


def _search_rows(call: Call, query: list[Any]) -> list[RowRef]:
    """One row more than a run has, where a search of the catalog finds so many."""
    with call.read() as connection:
        scope = build_catalog_scope(connection, query, ExportParams())
        return [RowRef(no, row_id) for no, row_id in connection.select_columns(
            scope.source, "dr.no, dr.id", scope.condition, order="dr.no", first=MOST_ROWS + 1
        )]  # fmt: skip


async def _start(call: Call, input: Mapping[str, Any], rows: list[RowRef]) -> str:
    from mockserver.jobs.model_jobs import ModelJob, fill_run, read_confidence  # noqa: PLC0415  few run apps

    check_texts(input)
    if not rows:
        raise MalformedRequest("No data row was sent or found; expected ids or global keys of existing data rows")
    if len(rows) > MOST_ROWS:
        raise BadInput(f"More than {MOST_ROWS:,} data rows were sent; at most these are in one run")
    params, classes = _read_params(input)
    run = call.workspace.foundry_apps.create_run(
        input["name"], input["ontologyId"], input.get("modelAppId") or None, params
    )
    job = ModelJob(run, rows, input["ontologyId"], classes, read_confidence(params))

    def work(_task: Task, check_running: Callable[[], None]) -> None:
        fill_run(call.store, job, check_running)

    metadata = {"modelRunId": run.id}
    task, future = call.workspace.jobs.start(
        work, type=RUN_APP, name=input["name"], base_url=call.base_url, request=metadata
    )
    await wait_for([future])
    return task.id


def find_run_info(_source: Any, call: Call, where: Mapping[str, Any]) -> RunInfo | None:
    """Null for a run that no app has filled. Raises NotFound."""
    run: ModelRun = find_run(None, call, {"id": where.get("modelRunId")})
    if run.model_app_id is None:
        return None
    return RunInfo(call.count(ModelRunRow, Clause("model_run_id = :id", id=run.id)))
