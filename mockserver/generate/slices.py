"""Slices of a scenario: their searches as the service stores them."""

from __future__ import annotations

from typing import Any

from mockserver.generate.data_rows import build_dataset_id
from mockserver.generate.organization import Organized
from mockserver.generate.plans import Scenario, SlicePlan
from mockserver.world import ids
from mockserver.world.clock import DAY
from mockserver.world.record import Record, encode_json
from mockserver.world.records.slices import CatalogSlice

SAVED = 2 * DAY
"""Before the end of the history."""


def build_slices(scenario: Scenario, organized: Organized, seed: int, end: int) -> list[Record]:
    """All slices of the catalog."""
    created, person = end - SAVED, organized.people[0].id
    return [
        CatalogSlice(
            ids.cuid(created, seed, "slice", plan.name),
            plan.name,
            plan.description,
            encode_json(build_terms(plan, seed, end)),
            person,
            created,
            created,
            deleted=False,
        )
        for plan in scenario.slices
    ]


def build_terms(plan: SlicePlan, seed: int, end: int) -> list[dict[str, Any]]:
    """The search terms of a slice in the shapes and the order of the SDK (export_filters.py 7.17.0:106)."""
    terms: list[dict[str, Any]] = []
    if plan.last_activity_at:
        terms.append({"type": "data_row_last_activity_at", "value": build_range(*plan.last_activity_at)})
    if plan.label_created_at:
        terms.append({"type": "labeled_at", "value": build_range(*plan.label_created_at)})
    if plan.global_keys:
        terms.append({"ids": plan.global_keys, "operator": "is", "type": "global_key"})
    if plan.datasets:
        wanted = [build_dataset_id(seed, end, name) for name in plan.datasets]
        terms.append({"ids": wanted, "operator": "is", "type": "dataset"})
    return terms


def build_range(low: str, high: str) -> dict[str, Any]:
    """The value of a date term; an empty text leaves its side open."""
    if not high:
        return {"operator": "GREATER_THAN_OR_EQUAL", "timezone": "UTC", "value": low}
    if not low:
        return {"operator": "LESS_THAN_OR_EQUAL", "timezone": "UTC", "value": high}
    return {"operator": "BETWEEN", "timezone": "UTC", "value": {"min": low, "max": high}}
