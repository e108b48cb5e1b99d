"""Expected rows, requested in the SDK's words, and the refusal of words without a meaning."""

from typing import Any

import pytest

from contract_tests.serving import ServedWorld
from mockserver.exports.words import build_terms
from mockserver.testing import ControlRefusedError


@pytest.mark.known("client")
def test_an_offset_is_replaced_by_that_of_utc_as_the_sdk_does() -> None:
    [term] = build_terms({"label_created_at": ["2050-01-01T00:00:00+0530", None]}, timezone="Europe/Berlin")
    assert term == {
        "type": "labeled_at",
        "value": {"operator": "GREATER_THAN_OR_EQUAL", "timezone": "UTC", "value": "2050-01-01T00:00:00+0000"},
    }
    [term] = build_terms({"label_created_at": [None, "2050-01-01"]}, timezone="Europe/Berlin")
    assert term["value"]["timezone"] == "Europe/Berlin"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "The body has none of them; expected exactly one of"),
        ({"project": "image", "slice": "street pictures"}, "has project and slice"),
        ({"catalog": True, "data_rows": []}, "has data_rows and catalog"),
        ({"dataset": "image row"}, 'nearest known are "image rows"'),
        ({"slice": ""}, "Unknown slice ''"),
        ({"model_run": "second"}, "Unknown model run 'second'"),
        ({"slice": "street pictures", "filters": {"data_row_ids": []}}, "this export takes no filters"),
        ({"dataset": "image rows", "filters": {"batch_ids": ["b"]}}, "filters has no 'batch_ids'"),
        ({"project": "image", "params": {"predictions": True}}, "params has no 'predictions'"),
        ({"data_rows": [], "params": {"predictions": True}}, "params has no 'predictions'"),
        ({"model_run": "first training", "params": {"label_details": True}}, "params has no 'label_details'"),
        ({"catalog": True, "params": {"project_ids": "p"}}, "params.project_ids is 'p'; expected a list of ids"),
        ({"catalog": True, "params": {"attachments": "yes"}}, "params.attachments is 'yes'; expected true or false"),
        ({"catalog": True, "params": {"project_ids": ["p"] * 31}}, "at most 30 fit"),
        ({"data_rows": ["x"] * 2001}, "at most 2000 fit"),
    ],
)
def test_what_cannot_be_expected_is_refused(server: ServedWorld, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ControlRefusedError) as refused:
        server.own.expected_rows(**arguments)
    assert message in str(refused.value)


def test_a_name_may_be_an_id_and_nothing_chosen_is_nothing_expected(server: ServedWorld) -> None:
    own = server.own
    by_name, by_id = own.expected_rows(dataset="text rows"), own.expected_rows(dataset=own.dataset("text rows"))
    assert len(by_name) == len(by_id) == 10
    assert own.expected_rows(data_rows=[]) == own.expected_rows(global_keys=["nobody"]) == []


def test_hints_of_the_sdk_change_nothing(server: ServedWorld) -> None:
    own = server.own
    hinted = own.expected_rows(model_run="first training", params={"model_run_details": True})
    assert hinted == own.expected_rows(model_run="first training", params={"media_type_override": None})
