"""Slices of a scenario: their filters become the search terms that the SDK would send."""

import json

import pytest

from mockserver.exports.selection import build_catalog_condition
from mockserver.exports.words import build_terms as build_filter_terms
from mockserver.generate.data_rows import build_dataset_id
from mockserver.generate.plans import SlicePlan
from mockserver.generate.slices import build_terms
from mockserver.world.clock import DAY


@pytest.mark.parametrize(
    ("low", "high"), [("2024-12-01", "2024-12-31"), ("2024-12-01 10:00:00", None), (None, "2024-12-31")]
)
def test_dates_become_terms_as_filters_do(low: str | None, high: str | None) -> None:
    plan = SlicePlan(name="s", last_activity_at=(low or "", high or ""), label_created_at=(low or "", high or ""))
    filters = {"last_activity_at": [low, high], "label_created_at": [low, high]}
    assert build_terms(plan, 0, 0) == build_filter_terms(filters)


def test_datasets_and_keys_become_terms_that_are_understood() -> None:
    plan = SlicePlan(name="s", datasets=["d"], global_keys=["k", "l"])
    terms = build_terms(plan, 7, 50 * DAY)
    assert terms == [
        {"ids": ["k", "l"], "operator": "is", "type": "global_key"},
        {"ids": [build_dataset_id(7, 50 * DAY, "d")], "operator": "is", "type": "dataset"},
    ]
    assert len(build_catalog_condition(json.loads(json.dumps(terms))).terms) == 2


def test_a_slice_without_filters_is_the_whole_catalog() -> None:
    assert build_terms(SlicePlan(name="s"), 0, 0) == []
