"""Configurations of models that answer in chats, and slices that clients create (SDK client.py, project.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.dates import MODELS_OF_CHATS_ALONE, is_since
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.api.graphql.texts import check_texts
from mockserver.errors import BadInput, shorten
from mockserver.exports.selection import build_catalog_condition
from mockserver.world.clause import Clause
from mockserver.world.queries.sources import DATA_ROWS
from mockserver.world.record import encode_json
from mockserver.world.records.models import ModelConfig, ProjectModelConfig
from mockserver.world.records.projects import Project
from mockserver.world.records.slices import CatalogSlice

MOST_RESPONSES = 100
CREATED_AT, DIRECTIONS = "dataRowCreatedAt", ("ASC", "DESC")


class Count(msgspec.Struct, frozen=True):
    count: int


def add_to(fields: Fields) -> None:
    fields.add("Mutation", "createModelConfig", create_config)
    fields.add("Mutation", "deleteModelConfig", delete_config)
    fields.add("Mutation", "createProjectModelConfig", add_config)
    fields.add("Mutation", "deleteProjectModelConfig", remove_config)
    fields.add("Mutation", "setProjectModelSetupComplete", set_complete)
    fields.add_attributes("ModelConfig", ModelConfig, "id modelId name inferenceParams")
    fields.add_attributes("ProjectModelConfig", ProjectModelConfig, "id modelConfigId projectId")
    fields.add("ProjectModelConfig", "modelConfig", lambda source, call: call.get(ModelConfig, source.model_config_id))
    fields.add("ProjectModelConfigId", "projectModelConfigId", lambda source, _call: source)
    fields.add("Project", "projectModelConfigs", list_configs)
    fields.add("Mutation", "createCatalogSavedQuery", create_slice)
    fields.add("Mutation", "deleteSavedQuery", delete_slice)
    fields.add("SavedQuery", "catalogCount", count_rows)
    fields.add_attributes("CatalogCount", Count, "count")


def create_config(_source: Any, call: Call, input: Mapping[str, Any]) -> ModelConfig:
    check_texts(input)
    if not input["name"].strip() or not isinstance(input["inferenceParams"], dict):
        raise BadInput("A model config needs a name that is not empty, and inferenceParams that are an object")
    return call.workspace.model_configs.create(input["modelId"], input["name"], input["inferenceParams"])


def delete_config(_source: Any, call: Call, input: Mapping[str, Any]) -> bool:
    call.workspace.model_configs.delete(input["id"])
    return True


def add_config(_source: Any, call: Call, input: Mapping[str, Any]) -> str:
    count = input.get("responseCount")
    if count is not None and not 1 <= count <= MOST_RESPONSES:
        raise BadInput(f"responseCount is {count}; expected 1 to {MOST_RESPONSES}")
    chats_only = is_since(call.store, MODELS_OF_CHATS_ALONE)
    link = call.workspace.model_configs.add_to_project(
        input["projectId"], input["modelConfigId"], count, chats_only=chats_only
    )
    return link.id


def remove_config(_source: Any, call: Call, input: Mapping[str, Any]) -> bool:
    chats_only = is_since(call.store, MODELS_OF_CHATS_ALONE)
    call.workspace.model_configs.remove_from_project(input["id"], chats_only=chats_only)
    return True


def set_complete(_source: Any, call: Call, where: Mapping[str, Any], data: Mapping[str, Any]) -> Project:
    return call.workspace.model_configs.complete(
        read_id(where, "setProjectModelSetupComplete"), complete=data["modelSetupComplete"]
    )


def list_configs(source: Project, call: Call) -> list[ProjectModelConfig]:
    return call.select(ProjectModelConfig, Clause("project_id = :id", id=source.id), order="id")


# Slices


def create_slice(_source: Any, call: Call, args: Mapping[str, Any]) -> CatalogSlice:
    """Creates a slice whose terms are those that an export's search takes. Raises MalformedRequest for an unknown term,
    and BadInput for another order than that of creation."""
    check_texts(args)
    terms = args["filter"]
    if not args["name"].strip() or not isinstance(terms, list) or not all(isinstance(term, dict) for term in terms):
        raise BadInput("A slice needs a name that is not empty, and a filter that is a list of search terms")
    sorting = args.get("sorting") or None
    for index, order in enumerate(sorting or []):
        _check_order(order, f"sorting[{index}]")
    build_catalog_condition(terms)
    order_text = None if sorting is None else encode_json(sorting)
    return call.workspace.slices.create(args["name"], args.get("description"), encode_json(terms), order_text)


def _check_order(order: Any, path: str) -> None:
    """Raises BadInput for another order than that of creation, either way (the SDK's tests, test_slice.py 7.17.0)."""
    field = order.get("field") if isinstance(order, dict) else None
    name = field.get("field") if isinstance(field, dict) else None
    if name != CREATED_AT or order.get("direction") not in DIRECTIONS:
        raise BadInput(
            f"{path} is {shorten(repr(order), 120)}; expected the field {CREATED_AT!r} with the direction 'ASC' or"
            " 'DESC': other orders of a slice are not imitated"
        )


def delete_slice(_source: Any, call: Call, args: Mapping[str, Any]) -> bool:
    call.workspace.slices.delete(args["id"])
    return True


def count_rows(source: CatalogSlice, call: Call) -> Count:
    """The number of data rows that the slice finds now."""
    condition = Clause("NOT dr.deleted") & build_catalog_condition(orjson.loads(source.query))
    with call.read() as connection:
        return Count(connection.count_rows(DATA_ROWS, condition))
