"""Rows with what no client knows yet: everything else in them is as without it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.exports.future import CHANGES, add_fields, replace_media, replace_values
from mockserver.testing import MockWorkspace

PARAMS = {"label_details": True, "project_details": True}


@pytest.mark.parametrize("form", CHANGES)
def test_an_export_has_what_is_expected(workspace: MockWorkspace, form: str) -> None:
    before = workspace.expected_rows("image", params=PARAMS)
    workspace.switches.set(future=form)
    after = workspace.expected_rows("image", params=PARAMS)
    assert [row["data_row"]["id"] for row in after] == [row["data_row"]["id"] for row in before]
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_new_fields_are_beside_those_that_are_known(workspace: MockWorkspace) -> None:
    before = workspace.expected_rows("text", params=PARAMS)
    workspace.switches.set(future="fields")
    after = workspace.expected_rows("text", params=PARAMS)
    for row in after:
        assert row.pop("future_section") == {"version": 2, "items": []}
        assert row["data_row"].pop("future_field", "missing") is None
    assert after == before


def test_large_integers_arrive_with_every_digit(workspace: MockWorkspace) -> None:
    workspace.switches.set(future="numbers")
    rows = [row["data_row"] for row in workspace.expected_rows("text")]
    assert {(row["future_number"], row["future_size"]) for row in rows} == {(2**53 + 1, 2**63 + 1)}


def test_a_new_media_type_is_in_every_row(workspace: MockWorkspace) -> None:
    workspace.switches.set(future="media")
    assert {row["media_attributes"]["asset_type"] for row in workspace.expected_rows(catalog=True)} == {"hologram"}


@given(st.text())
def test_no_text_within_a_row_is_changed(text: str) -> None:
    evil: dict[str, Any] = {
        "data_row": {"id": '\n{"data_row":{"asset_type":"image"'},
        "x": [text, '"label_kind":"Default"'],
    }
    line = json.dumps(evil, separators=(",", ":")).encode()
    assert replace_media(line) == line
    assert replace_values(line) == line
    changed = json.loads(add_fields(line))
    assert changed.pop("future_section")
    assert changed["data_row"].pop("future_field", 1) is None
    assert changed == evil
