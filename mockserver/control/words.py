"""The SDK's words for what an export is to hold, `params` and `filters`, and what they say on the wire."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from mockserver.errors import BadInput, nearest, quoted
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
"""`project.export(params=…)` -> our params (SDK project.py 7.17.0:650)."""
DATA_ROW_PARAMS = PARAMS | {name: name for name in ("project_ids", "all_projects", "model_run_ids", "all_model_runs")}
"""`DataRow.export`, which never sends predictions (SDK data_row.py 7.17.0)."""
CATALOG_PARAMS = DATA_ROW_PARAMS | _PREDICTIONS
"""`catalog.export`, `dataset.export`, and `export` of a slice."""
MODEL_RUN_PARAMS = _OF_ROWS | _PREDICTIONS

_HINTS = {"media_type_override", "model_run_details"}
"""The SDK takes them, and they change nothing here (exports/request.py)."""
_IDS = {"data_row_ids": "data_row_id", "global_keys": "global_key", "batch_ids": "batch"}
_DATES = {"last_activity_at": "data_row_last_activity_at", "label_created_at": "labeled_at"}
CATALOG_FILTERS = (*_DATES, "data_row_ids", "global_keys")
FILTERS = (*_DATES, *_IDS, "workflow_status")
"""Of projects (SDK export_filters.py 7.17.0)."""


def params(given: Mapping[str, Any], known: Mapping[str, str] = PARAMS) -> ExportParams:
    """The SDK drops keys it does not know in silence; a test that misspells one wants to hear of it."""
    told = {name: value for name, value in given.items() if value is not None and name not in _HINTS}
    for name, value in told.items():
        if name not in known:
            raise BadInput(f"params has no {name!r}; the nearest known are {quoted(nearest(name, known))}")
        _check(name, value)
    return msgspec.structs.replace(ExportParams(), **{known[name]: value for name, value in told.items()})


def _check(name: str, value: Any) -> None:
    if name.endswith("_ids"):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BadInput(f"params.{name} is {value!r}; expected a list of ids")
    elif not isinstance(value, bool):
        raise BadInput(f"params.{name} is {value!r}; expected true or false")


def terms(filters: Mapping[str, Any], known: Iterable[str] = FILTERS, *, timezone: str = "UTC") -> list[Term]:
    """The search terms that the SDK makes of its filters (export_filters.py 7.17.0:106), for a person of a timezone."""
    made = []
    for name, value in filters.items():
        if name not in known:
            near = quoted(nearest(name, known)) or "none: this export takes no filters"
            raise BadInput(f"filters has no {name!r}; the nearest known are {near}")
        if value is None:
            continue
        if name in _IDS:
            made.append(one_of(_IDS[name], value))
        elif name in _DATES:
            made += _range(name, value, timezone)
        else:
            made.append(_status(value))
    return made


def one_of(kind: str, ids: Any) -> Term:
    return {"ids": ids, "operator": "is", "type": kind}


def _range(name: str, value: Any, timezone: str) -> list[Term]:
    """One term; none when both ends are open."""
    if not isinstance(value, list) or len(value) != 2:
        raise BadInput(
            f'{name} is {value!r}; expected [from, to] with a moment or null each, like ["2024-12-01", null]'
        )
    low, high = map(_without_offset, value)
    zone = "UTC" if any(map(_offset, value)) else timezone
    said: Any
    if low is not None and high is not None:
        operator, said = "BETWEEN", {"min": low, "max": high}
    elif low is not None:
        operator, said = "GREATER_THAN_OR_EQUAL", low
    elif high is not None:
        operator, said = "LESS_THAN_OR_EQUAL", high
    else:
        return []
    return [{"type": _DATES[name], "value": {"operator": operator, "timezone": zone, "value": said}}]


_OFFSET = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(Z|[+-]\d{2}:?\d{2})")


def _offset(moment: Any) -> re.Match[str] | None:
    return _OFFSET.fullmatch(moment) if isinstance(moment, str) else None


def _without_offset(moment: Any) -> Any:
    """The SDK writes UTC's in its place and does not convert the hours (export_filters.py 7.17.0:79)."""
    found = _offset(moment)
    return moment if found is None else f"{found[1]}+0000"


def _status(value: Any) -> Term:
    return {"type": "task_queue_not_exist"} if value == "ToLabel" else {"type": "task_queue_status", "status": value}
