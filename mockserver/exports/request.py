"""The request of an export: its scope, its filters, its params. Decoded once from the wire's input."""

from __future__ import annotations

from typing import Any

import msgspec

from mockserver.conversion import convert
from mockserver.errors import MalformedRequest


class ExportParams(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The sections that a row carries; all off by default (payloads.md §1.1).

    Further params of the wire have no effect: `mediaTypeOverride` is a hint, and the section that
    `includeModelRunDetails` adds is unknown.
    """

    include_attachments: bool = False
    include_metadata: bool = False
    include_embeddings: bool = False
    include_data_row_details: bool = False
    include_project_details: bool = False
    include_label_details: bool = False
    include_performance_details: bool = False
    include_interpolated_frames: bool = False
    include_predictions: bool = False
    all_projects: bool = False
    project_ids: list[str] = []
    all_model_runs: bool = False
    model_run_ids: list[str] = []


class ExportRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """One export of a project, a slice or a model run, or of the catalog if none of their ids is given.

    `terms` are the terms of the search query; slices and model runs take none.
    """

    project_id: str | None = None
    terms: list[dict[str, Any]] = []
    params: ExportParams = ExportParams()
    streamable: bool = False
    slice_id: str | None = None
    model_run_id: str | None = None


def parse_request(data: dict[str, Any]) -> ExportRequest:
    """Decodes the mutation's `input`, which fits the schema. Null means not given. Raises MalformedRequest."""
    filters = data.get("filters") or {}
    query = (filters.get("searchQuery") or {}).get("query") or []
    if not isinstance(query, list) or not all(isinstance(term, dict) for term in query):
        raise MalformedRequest(f"filters.searchQuery.query is {query!r}; expected a list of terms like {EXAMPLE_TERM}")
    params = {key: value for key, value in (data.get("params") or {}).items() if value is not None}
    if filters.get("modelRunId") is not None:
        params = {key: value for key, value in params.items() if key not in NOT_OF_MODEL_RUNS}
    # label_details took the place of `includeLabels`, which SDKs 3.37 and 3.38 send.
    if params.get("includeLabels"):
        params["includeLabelDetails"] = True
    # export() sends `streamable`; an SDK that says it is ready for streams gets one (3.67 and later).
    streamable = bool(data.get("streamable") or data.get("isStreamableReady"))
    return ExportRequest(
        filters.get("projectId"),
        query,
        convert(params, ExportParams),
        streamable,
        filters.get("sliceId"),
        filters.get("modelRunId"),
    )


NOT_OF_MODEL_RUNS = {"includeProjectDetails", "includeLabels", "includePerformanceDetails"}
"""Sections of projects (docs/label-export), which early SDKs request also for model runs."""
EXAMPLE_TERM = '{"type": "data_row_id", "operator": "is", "ids": ["…"]}'
