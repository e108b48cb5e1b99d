"""The SDK's words for the contents of an export, `params` and `filters`, and their form on the wire."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from mockserver.errors import BadInput, nearest, quote
from mockserver.exports.request import ExportParams

Term = dict[str, Any]

_OF_ROWS = {
    "attachments": "include_attachments",
    "metadata_fields": "include_metadata",
    "embeddings": "include_embeddings",
    "data_row_details": "include_data_row_details",
}
_PREDICTIONS = {"predictions": "include_predictions"}

PARAMS = _OF_ROWS | {
    "project_details": "include_project_details",
    "label_details": "include_label_details",
    "performance_details": "include_performance_details",
    "interpolated_frames": "include_interpolated_frames",
}
"""`project.export(params=…)` -> the params of exports (SDK project.py 7.17.0:650)."""
DATA_ROW_PARAMS = PARAMS | {name: name for name in ("project_ids", "all_projects", "model_run_ids", "all_model_runs")}
"""`DataRow.export`, which never sends predictions (SDK data_row.py 7.17.0)."""
CATALOG_PARAMS = DATA_ROW_PARAMS | _PREDICTIONS
"""`catalog.export`, `dataset.export`, and `export` of a slice."""
MODEL_RUN_PARAMS = _OF_ROWS | _PREDICTIONS

_HINTS = {"media_type_override", "model_run_details"}
"""The SDK accepts them, and they change nothing in this server (exports/request.py)."""
_IDS = {"data_row_ids": "data_row_id", "global_keys": "global_key", "batch_ids": "batch"}
_DATES = {"last_activity_at": "data_row_last_activity_at", "label_created_at": "labeled_at"}
CATALOG_FILTERS = (*_DATES, "data_row_ids", "global_keys")
FILTERS = (*_DATES, *_IDS, "workflow_status")
"""The filters of projects (SDK export_filters.py 7.17.0)."""


def parse_params(params: Mapping[str, Any], known: Mapping[str, str] = PARAMS) -> ExportParams:
    """Parses the SDK's params. Raises BadInput for an unknown key, which the SDK itself ignores silently."""
    values = {name: value for name, value in params.items() if value is not None and name not in _HINTS}
    for name, value in values.items():
        if name not in known:
            raise BadInput(f"params has no {name!r}; the nearest known are {quote(nearest(name, known))}")
        _check(name, value)
    return msgspec.structs.replace(ExportParams(), **{known[name]: value for name, value in values.items()})


def _check(name: str, value: Any) -> None:
    if name.endswith("_ids"):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BadInput(f"params.{name} is {value!r}; expected a list of ids")
    elif not isinstance(value, bool):
        raise BadInput(f"params.{name} is {value!r}; expected true or false")


def build_terms(filters: Mapping[str, Any], known: Iterable[str] = FILTERS, *, timezone: str = "UTC") -> list[Term]:
    """Builds the search terms that the SDK sends for its filters (export_filters.py 7.17.0:106), in a timezone."""
    terms: list[Term] = []
    for name, value in filters.items():
        if name not in known:
            near = quote(nearest(name, known)) or "none: this export takes no filters"
            raise BadInput(f"filters has no {name!r}; the nearest known are {near}")
        if value is None:
            continue
        if name in _IDS:
            terms.append(build_id_term(_IDS[name], value))
        elif name in _DATES:
            terms += _build_date_terms(name, value, timezone)
        else:
            terms.append(_build_status_term(value))
    return terms


def build_id_term(kind: str, ids: Any) -> Term:
    return {"ids": ids, "operator": "is", "type": kind}


def _build_date_terms(name: str, value: Any, timezone: str) -> list[Term]:
    """Builds one term, or none when both ends are open."""
    if not isinstance(value, list) or len(value) != 2:
        raise BadInput(
            f'{name} is {value!r}; expected [from, to] with a date-time or null each, like ["2024-12-01", null]'
        )
    low, high = map(_replace_offset, value)
    zone = "UTC" if any(map(_match_offset, value)) else timezone
    operand: Any
    if low is not None and high is not None:
        operator, operand = "BETWEEN", {"min": low, "max": high}
    elif low is not None:
        operator, operand = "GREATER_THAN_OR_EQUAL", low
    elif high is not None:
        operator, operand = "LESS_THAN_OR_EQUAL", high
    else:
        return []
    return [{"type": _DATES[name], "value": {"operator": operator, "timezone": zone, "value": operand}}]


_OFFSET = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(Z|[+-]\d{2}:?\d{2})", re.ASCII)


def _match_offset(moment: Any) -> re.Match[str] | None:
    return _OFFSET.fullmatch(moment) if isinstance(moment, str) else None


def _replace_offset(moment: Any) -> Any:
    """Replaces the offset by UTC's without converting the hours, as the SDK does (export_filters.py 7.17.0:79)."""
    match = _match_offset(moment)
    return moment if match is None else f"{match[1]}+0000"


def _build_status_term(value: Any) -> Term:
    return {"type": "task_queue_not_exist"} if value == "ToLabel" else {"type": "task_queue_status", "status": value}


# Back from the wire


def describe_terms(terms: Iterable[Term]) -> dict[str, Any] | None:
    """Returns the SDK's filters that it sends as these terms; None if it sends none of the kind."""
    filters: dict[str, Any] = {}
    ids, dates = _invert(_IDS), _invert(_DATES)
    for term in terms:
        kind, value = term.get("type"), term.get("value")
        if kind in ids:
            filters[ids[kind]] = term.get("ids")
        elif kind in dates and isinstance(value, dict):
            filters[dates[kind]] = _describe_dates(value)
        elif kind == "task_queue_not_exist":
            filters["workflow_status"] = "ToLabel"
        elif kind == "task_queue_status":
            filters["workflow_status"] = term.get("status")
        else:
            return None
    return filters


def _invert(words: Mapping[str, str]) -> dict[Any, str]:
    return {wire: word for word, wire in words.items()}


def _describe_dates(value: dict[str, Any]) -> list[Any]:
    bounds, operator = value.get("value"), value.get("operator")
    if isinstance(bounds, dict):
        return [bounds.get("min"), bounds.get("max")]
    return [None, bounds] if operator == "LESS_THAN_OR_EQUAL" else [bounds, None]


def describe_params(params: ExportParams, known: Mapping[str, str]) -> dict[str, object]:
    """Returns the SDK's params that it sends as these; those that are off are left out."""
    return {word: getattr(params, name) for word, name in known.items() if getattr(params, name)}
