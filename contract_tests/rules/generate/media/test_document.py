"""Documents: annotations lie on the pages, as another reader of PDF sees them."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from pypdf import PdfReader

from contract_tests.rules.generate.media.variants import Sample, build_samples, depth
from mockserver.generate.files import pdf
from mockserver.generate.media import document
from mockserver.generate.media.generator import get_generator

KEYS = ["feature_id", "feature_schema_id", "name", "value", "annotation_kind", "classifications"]


@pytest.fixture(scope="module")
def variants() -> list[Sample]:
    return list(build_samples("document"))


def read(item: Sample) -> PdfReader:
    return PdfReader(io.BytesIO(item.asset.content), strict=True)


def list_of_kind(item: Sample, kind: str) -> list[dict[str, Any]]:
    return [thing for thing in item.body["objects"] if thing["annotation_kind"] == kind]


@pytest.mark.known("client")
def test_objects_have_the_keys_of_their_kind(variants: list[Sample]) -> None:
    keys = {thing["annotation_kind"]: list(thing) for item in variants for thing in item.body["objects"]}
    assert keys == {
        "DocumentBoundingBox": [*KEYS, "page_number", "bounding_box", "page_dimensions"],
        "DocumentEntityToken": [*KEYS, "location"],
    }
    groups = [group for item in variants for thing in list_of_kind(item, "DocumentEntityToken")
              for group in thing["location"]["groups"]]  # fmt: skip
    assert {tuple(group) for group in groups} == {("id", "page_number", "tokens", "text")}


def test_the_row_says_how_many_pages_there_are(variants: list[Sample]) -> None:
    for item in variants:
        assert item.attributes == {
            "asset_type": "pdf",
            "mime_type": "application/pdf",
            "page_count": len(read(item).pages),
        }
        assert item.asset.content_type == "application/pdf"


@pytest.mark.known("documented")
def test_the_text_layer_holds_the_tokens_and_groups_that_entities_name(variants: list[Sample]) -> None:
    seen = 0
    for number, item in enumerate(variants):
        layer = get_generator("document").build_text_layer(3, "p", number)
        assert layer is not None
        pages = json.loads(layer.content)
        assert [page["number"] for page in pages] == list(range(1, len(pages) + 1))
        groups = {group["id"]: (page["number"] - 1, group) for page in pages for group in page["groups"]}
        for thing in list_of_kind(item, "DocumentEntityToken"):
            for location in thing["location"]["groups"]:
                page, group = groups[location["id"]]
                tokens = {token["id"]: token["content"] for token in group["tokens"]}
                assert page == location["page_number"]
                assert " ".join(tokens[token] for token in location["tokens"]) == location["text"]
                seen += 1
    assert seen > 5


def test_boxes_lie_on_their_pages_whose_size_they_tell(variants: list[Sample]) -> None:
    seen = 0
    for item in variants:
        pages = read(item).pages
        for thing in list_of_kind(item, "DocumentBoundingBox"):
            page, size, box = pages[thing["page_number"]], thing["page_dimensions"], thing["bounding_box"]
            assert (size["height"], size["width"]) == (float(page.mediabox.height), float(page.mediabox.width))
            assert 0 <= box["left"] < box["left"] + box["width"] <= size["width"]
            assert 0 <= box["top"] < box["top"] + box["height"] <= size["height"]
            seen += 1
    assert seen > 20


def test_an_entitys_words_are_in_its_boxes(variants: list[Sample]) -> None:
    """pypdf is the judge of their places; `text-bbox` is the part of an entity that only Export V1 has."""
    seen = 0
    for item in variants:
        reader = read(item)
        entities = list_of_kind(item, "DocumentEntityToken")
        assert set(item.aside["text-bbox"]) == {thing["feature_id"] for thing in entities}
        for thing in entities:
            boxes = item.aside["text-bbox"][thing["feature_id"]]
            for box, group in zip(boxes, thing["location"]["groups"], strict=True):
                assert box["page"] == group["page_number"]
                assert len(group["tokens"]) == len(group["text"].split(" "))
                assert words_in(reader, box) == group["text"]
                seen += 1
    assert seen > 40


def words_in(reader: PdfReader, box: dict[str, Any]) -> str:
    """The letters whose boxes lie in a box, which is on one line."""
    inside = [
        letter
        for left, baseline, size, letter in letters(reader, box["page"])
        if abs(baseline - pdf.ASCENT * size - box["top"]) < 0.1
        and box["left"] - 0.1 <= left < box["left"] + box["width"] - 0.1
    ]
    return "".join(inside)


def letters(reader: PdfReader, number: int) -> Iterator[tuple[float, float, float, str]]:
    """(left, baseline, size, letter), in points from the upper left corner."""
    page = reader.pages[number]
    placed: list[tuple[float, float, float, str]] = []

    def visit(text: str, _cm: Any, matrix: list[float], _font: Any, size: float) -> None:
        for place, letter in enumerate(text.strip("\n")):
            left, baseline = matrix[4] + place * pdf.ADVANCE * size, float(page.mediabox.height) - matrix[5]
            placed.append((left, baseline, size, letter))

    page.extract_text(visitor_text=visit)
    yield from placed


def test_no_word_is_in_two_entities(variants: list[Sample]) -> None:
    for item in variants:
        tokens = [token for thing in list_of_kind(item, "DocumentEntityToken")
                  for group in thing["location"]["groups"] for token in group["tokens"]]  # fmt: skip
        assert len(set(tokens)) == len(tokens)


def test_some_entity_runs_over_the_end_of_a_line(variants: list[Sample]) -> None:
    counts = {
        len(thing["location"]["groups"]) for item in variants for thing in list_of_kind(item, "DocumentEntityToken")
    }
    assert counts == {1, 2}


def test_questions_are_nested_and_relationships_join_objects(variants: list[Sample]) -> None:
    assert max(depth(item.body["classifications"]) for item in variants) >= 3
    for item in variants:
        ids = {thing["feature_id"] for thing in item.body["objects"]}
        for edge in item.body["relationships"]:
            assert set(edge["unidirectional_relationship"].values()) <= ids
    assert any(item.body["relationships"] for item in variants)


@pytest.mark.parametrize("number", range(0, 60, 7))
def test_nothing_runs_off_a_page(number: int) -> None:
    for sheet in document.build_sheets(1, "p", number):
        for word in sheet.words:
            assert document.MARGIN <= word.left <= word.left + word.width <= document.WIDTH - document.MARGIN + 0.01
            assert document.MARGIN <= word.top <= word.top + word.height <= document.HEIGHT - document.MARGIN


@pytest.mark.parametrize("text", ["one", "a b c", "word " * 200, "x" * 300, ""])
def test_wrapping_keeps_every_word_in_order(text: str) -> None:
    lines = document.wrap_text(text, document.TEXT)
    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= 70 or " " not in line for line in lines)
