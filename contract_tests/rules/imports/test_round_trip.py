"""Exports can be imported, and what is imported can be exported, without a difference."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.rules.imports.round_trip import (
    build,
    build_row,
    build_variant,
    compare,
    read_aside,
    read_size,
    render,
)
from mockserver.generate.media.image import draw_masks
from mockserver.world.media import MEDIA

NAMES = [media.name for media in MEDIA]


@pytest.mark.parametrize("name", NAMES)
@given(number=st.integers(0, 10_000), by_name=st.booleans())
@settings(max_examples=3)
def test_exported_annotations_are_imported_as_they_were(name: str, number: int, by_name: bool) -> None:
    variant = build_variant(name, number)
    row = build_row(name, number, variant)
    lines = render(variant.content, read_aside(variant), row, by_name=by_name)
    imported = build(name, row, lines)
    assert imported.problems == {}
    assert imported.content is not None
    assert compare(imported.content) == compare(variant.content)
    second = render(imported.content, read_aside(imported), row, by_name=by_name)
    content = build(name, row, second).content
    assert content is not None
    assert compare(content) == compare(variant.content)


@given(number=st.integers(0, 1_000))
@settings(max_examples=5)
def test_masks_keep_their_pixels(number: int) -> None:
    variant = build_variant("image", number)
    row = build_row("image", number, variant)
    imported = build("image", row, render(variant.content, read_aside(variant), row))
    width, height = read_size(row) or (1, 1)
    drawn, drawn_again = (draw_masks(width, height, read_aside(one).get("masks", [])) for one in (variant, imported))
    assert drawn == drawn_again
