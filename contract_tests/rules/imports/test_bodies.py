"""Single annotations: what an export says of them, and what is said of wrong ones."""

import base64
import contextlib
import struct
import zlib
from typing import Any

import orjson
import pytest

from mockserver.generate.features import Feature, Ontology
from mockserver.imports.bodies import ImportedBody, Target, build_body
from mockserver.imports.contents import Contents
from mockserver.imports.line_decoding import decode_line
from mockserver.imports.problems import LineProblem
from mockserver.imports.scopes import build_scope
from mockserver.world.record import JsonText
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import parse_body

Line = dict[str, Any]
TEXT = "research suggests that numbers stay as they were"


def feature(kind: str, name: str, **more: Any) -> Feature:
    return Feature(name, name.replace("-", "_"), f"c{name:0<24}", f"n{name:0<24}", kind, **more)


OPTIONS = tuple(feature("option", name) for name in ("first", "second"))
RADIO, CHECKLIST, NOTE = (
    feature("radio", "choice", answers=OPTIONS),
    feature("checklist", "choices", answers=OPTIONS),
    feature("text", "note"),
)
KINDS = ("rectangle", "polygon", "line", "point", "raster-segmentation", "named-entity", "edge", "message-ranking")
TOOLS = tuple(feature(kind, f"the-{kind}", questions=(RADIO, CHECKLIST, NOTE)) for kind in KINDS)
SCOPE = build_scope(Ontology("o", TOOLS, (RADIO, CHECKLIST, NOTE)))


def build(media: str, *lines: Line, keeps_confidence: bool = False, row_data: str = TEXT) -> ImportedBody:
    row = DataRow(
        1, "row", "d", None, None, media, row_data, None, JsonText("{}"), JsonText("{}"), "u", 0, 0, 0, False
    )  # fmt: skip
    target = Target(media, Contents(row, 0), SCOPE, keeps_confidence)
    return build_body(target, [decode_line(orjson.dumps({"dataRow": {"id": "row"}} | line)) for line in lines])


def document(media: str, *lines: Line, **more: Any) -> Any:
    body = build(media, *lines, **more)
    assert body.problems == {}
    assert body.content is not None
    return parse_body(body.content)


def the_object(media: str, line: Line, **more: Any) -> Any:
    [item] = document(media, line, **more)["objects"]
    del item["feature_id"], item["feature_schema_id"], item["classifications"], item["name"]
    return item


BOX = {"top": 48, "left": 58.0, "height": 65, "width": 12.5}
RING = [{"x": 1, "y": 2}, {"x": 3, "y": 2.5}, {"x": 1, "y": 4}]


@pytest.mark.parametrize(
    ("media", "line", "kind", "geometry"),
    [
        ("IMAGE", {"name": "the-rectangle", "bbox": BOX}, "ImageBoundingBox", {"bounding_box": BOX}),
        ("IMAGE", {"name": "the-polygon", "polygon": RING}, "ImagePolygon", {"polygon": [*RING, RING[0]]}),
        ("IMAGE", {"name": "the-polygon", "polygon": [*RING, RING[0]]}, "ImagePolygon", {"polygon": [*RING, RING[0]]}),
        ("IMAGE", {"name": "the-line", "line": RING}, "ImagePolyline", {"line": RING}),
        ("IMAGE", {"name": "the-point", "point": {"x": 7, "y": 8.5}}, "ImagePoint", {"point": {"x": 7, "y": 8.5}}),
        (
            "TEXT",
            {"name": "the-named-entity", "location": {"start": 0, "end": 16}},
            "TextEntity",
            {"location": {"start": 0, "end": 16, "token": "research suggests"}},
        ),
        (
            "CONVERSATIONAL",
            {"name": "the-named-entity", "messageId": "4", "location": {"start": 0, "end": 8}},
            "ConversationalTextEntity",
            {"conversational_location": {"message_id": "4", "location": {"start": 0, "end": 8}}},
        ),
        (
            "PDF",
            {"name": "the-rectangle", "bbox": BOX, "page": 1, "unit": "POINTS"},
            "DocumentBoundingBox",
            {
                "page_number": 1,
                "bounding_box": BOX | {"unit": "points"},
                "page_dimensions": {"height": 792.0, "width": 612.0, "unit": "points"},
            },
        ),
        (
            "PDF",
            {"name": "the-named-entity", "textSelections": [{"groupId": "g", "tokenIds": ["t"], "page": 1}]},
            "DocumentEntityToken",
            {"location": {"groups": [{"id": "g", "page_number": 1, "tokens": ["t"], "text": ""}]}},
        ),
        (
            "TMS_GEO",
            {"name": "the-rectangle", "bbox": {"top": -3, "left": 5, "height": 2, "width": 4}},
            "GeoBoundingBox",
            {"geojson": {"type": "Polygon", "coordinates": [[[5, -3], [5, -1], [9, -1], [9, -3], [5, -3]]]}},
        ),
    ],
)
@pytest.mark.known("client")
def test_a_geometry_is_exported_in_the_numbers_in_which_it_was_imported(
    media: str, line: Line, kind: str, geometry: Any
) -> None:
    item = the_object(media, line)
    item.pop("value", None)
    assert item == {"annotation_kind": kind} | geometry
    assert orjson.dumps(item) == orjson.dumps({"annotation_kind": kind} | geometry), "5 is not 5.0"


@pytest.mark.parametrize("answers", ["answer", "answers"])
@pytest.mark.parametrize("spelling", [{"name": "second"}, {"schemaId": "csecond000000000000000000"}])
@pytest.mark.known("client")
def test_an_option_is_found_in_every_spelling(answers: str, spelling: Line) -> None:
    [question] = document("HTML", {"name": "choices", answers: [spelling]})["classifications"]
    assert [answer["value"] for answer in question["checklist_answers"]] == ["second"]


@pytest.mark.known("client")
def test_answers_about_a_message_name_it() -> None:
    [question] = document("CONVERSATIONAL", {"name": "choice", "answer": {"name": "first"}, "messageId": "0"})[
        "classifications"
    ]
    assert (question["message_id"], question["conversational_radio_answer"]["name"]) == ("0", "first")


@pytest.mark.known("client")
def test_a_checklist_in_frames_is_in_the_first_and_the_last_frame_of_each_range() -> None:
    ranges = [{"start": 7, "end": 13}, {"start": 18, "end": 19}]
    body = document("VIDEO", {"name": "choices", "answer": [{"name": "first"}], "frames": ranges})
    assert list(body["frames"]) == ["7", "13", "18", "19"]
    [question] = body["frames"]["7"]["classifications"]
    [answer] = question["checklist_answers"]
    assert body["segments"] == {answer["feature_id"]: [[7, 13], [18, 19]]}
    keys = [7, 13, 18, 19]
    assert body["key_frame_feature_map"] == {question["feature_id"]: keys, answer["feature_id"]: keys}
    assert body["classifications"] == []


@pytest.mark.known("client")
def test_a_text_changes_with_its_frames() -> None:
    answer = [{"value": text, "frames": [{"start": at, "end": at + 1}]} for text, at in (("a", 1), ("b", 5))]
    frames = document("VIDEO", {"name": "note", "answer": answer})["frames"]
    texts = {number: frame["classifications"][0]["text_answer"]["content"] for number, frame in frames.items()}
    assert texts == {"1": "a", "2": "a", "5": "b", "6": "b"}


@pytest.mark.known("client")
def test_questions_below_the_answers_of_an_object_in_frames_are_not_kept() -> None:
    nested = {"name": "choice", "answer": {"name": "first"}}
    key_frames = [{"frame": frame, "bbox": BOX, "classifications": [nested]} for frame in (13, 15)]
    body = document("VIDEO", {"name": "the-rectangle", "segments": [{"keyframes": key_frames}]})
    first, last = (next(iter(frame["objects"].values())) for frame in body["frames"].values())
    assert first == last
    assert first["classifications"][0]["radio_answer"]["classifications"] == []
    assert list(body["segments"].values()) == [[[13, 15]]]


def png_of(pixels: list[list[int]]) -> str:
    """A grey PNG with one byte for each pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", len(pixels[0]), len(pixels), 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(row) for row in pixels)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return base64.b64encode(png).decode()


LONG_TEXTS = [{"value": text, "frames": [{"start": 1, "end": 150_000 + n}]} for n, text in enumerate(("a", "b"))]
STRIPES = {"counts": [300] * 2_000, "size": [300, 2_000]}
PIXELS = [[0, 0, 1], [0, 1, 1], [0, 0, 0]]


@pytest.mark.parametrize(
    "mask", [{"png": png_of(PIXELS)}, {"counts": [4, 1, 1, 2, 1], "size": [3, 3]}], ids=["png", "counts"]
)
@pytest.mark.known("client")
def test_a_mask_keeps_its_pixels(mask: Line) -> None:
    body = build("IMAGE", {"name": "the-raster-segmentation", "mask": mask})
    assert body.aside is not None
    aside = orjson.loads(body.aside)
    assert [entry["spans"] for entry in aside["masks"]] == [[[0, 2, 3], [1, 1, 3]]]
    assert aside["size"] == [3, 3]


@pytest.mark.known("client")
def test_confidence_is_kept_of_predictions_alone() -> None:
    line = {"name": "the-rectangle", "bbox": BOX, "confidence": 0.5, "customMetrics": [{"name": "iou", "value": 1}]}
    prediction = the_object("IMAGE", line, keeps_confidence=True)
    assert (prediction["confidence"], prediction["custom_metrics"]) == (0.5, [{"name": "iou", "value": 1}])
    assert not {"confidence", "custom_metrics"} & the_object("IMAGE", line).keys()


UPWARDS = [{"keyframes": [{"frame": 1, "bbox": BOX}, {"frame": 2, "bbox": BOX | {"height": -65}}]}]


@pytest.mark.parametrize(
    ("media", "line", "words"),
    [
        ("IMAGE", {"name": "the-rectangl", "bbox": BOX}, "name is 'the-rectangl'"),
        ("IMAGE", {"name": "the-rectangl", "bbox": BOX}, "known there: "),
        ("IMAGE", {"bbox": BOX}, "neither name nor schemaId"),
        ("IMAGE", {"schemaId": "nobody", "bbox": BOX}, "schemaId is 'nobody'"),
        ("IMAGE", {"name": "the-rectangle", "polygon": RING}, "expected bbox"),
        ("IMAGE", {"name": "the-rectangle"}, "no geometry was sent"),
        ("IMAGE", {"name": "the-rectangle", "bbox": BOX | {"height": -65}}, "bbox.height is -65; expected 0 or more"),
        ("TMS_SIMPLE", {"name": "the-rectangle", "bbox": BOX | {"width": -1e-9}}, "bbox.width is -1e-09"),
        ("PDF", {"name": "the-rectangle", "page": 1, "bbox": BOX | {"width": -1}}, "bbox.width is -1"),
        ("PDF", {"name": "the-rectangle", "page": 1, "unit": "PERCENT", "bbox": BOX | {"height": -1}}, "bbox.height"),
        ("VIDEO", {"name": "the-rectangle", "segments": UPWARDS}, "segments[0].keyframes[1].bbox.height is -65"),
        ("IMAGE", {"name": "the-polygon", "polygon": RING[:2]}, "at least 3 points"),
        ("IMAGE", {"name": "the-named-entity", "location": {"start": 1, "end": 2}}, "on a data row of type IMAGE"),
        ("IMAGE", {"name": "choice", "answer": [{"name": "first"}]}, "one option"),
        ("IMAGE", {"name": "choice", "answer": {"name": "third"}}, "answer.name is 'third'"),
        ("IMAGE", {"name": "choices", "answer": []}, "at least one option"),
        ("IMAGE", {"name": "note", "answer": "x", "messageId": "1"}, "only conversations have messages"),
        ("IMAGE", {"name": "note", "answer": "x", "frames": [{"start": 1, "end": 2}]}, "no frames"),
        ("IMAGE", {"name": "the-raster-segmentation", "mask": {"png": "?"}}, "mask.png"),
        ("IMAGE", {"name": "the-raster-segmentation", "mask": {"counts": [1], "size": [2, 2]}}, "mask.counts"),
        ("IMAGE", {"name": "the-raster-segmentation", "mask": STRIPES}, "at most 200,000"),
        ("IMAGE", {"name": "the-edge", "relationship": {"source": "a", "target": "b"}}, "relationship.source is 'a'"),
        ("TEXT", {"name": "the-named-entity", "location": {"start": 5, "end": 2}}, "location.end is 2"),
        ("PDF", {"name": "the-rectangle", "bbox": BOX}, "page is None"),
        ("PDF", {"name": "the-rectangle", "bbox": BOX, "page": 0, "unit": "MILES"}, "unit is 'MILES'"),
        ("HTML", {"name": "the-rectangle", "bbox": BOX}, "expected questions only"),
        ("VIDEO", {"name": "the-rectangle", "bbox": BOX}, "expected segments"),
        ("VIDEO", {"name": "note", "answer": LONG_TEXTS}, "at most 200,000 frames"),
        ("VIDEO", {"name": "the-line", "segments": [{"keyframes": [{"frame": 1, "bbox": BOX}]}]}, "keyframes[0] is"),
        ("DICOM", {"name": "note", "groupKey": "top", "answer": "x", "frames": [{"start": 1, "end": 1}]}, "groupKey"),
    ],
)
def test_a_wrong_line_is_named_with_the_path_and_with_what_was_expected(media: str, line: Line, words: str) -> None:
    [problem] = build(media, line).problems.values()
    assert words in problem.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{", "not JSON"),
        (b"[]", "expected `object`"),
        (b'{"name": "x"}', "dataRow"),
        (b'{"dataRow": {"id": "r"}, "boundingBox": {}}', "unknown key 'boundingBox'"),
        (b'{"dataRow": {"id": "r"}, "bbox": {"top": "1", "left": 1, "height": 1, "width": 1}}', "bbox.top: expected"),
        (b'{"dataRow": {"id": "r"}, "bbox": {"top": NaN, "left": 1, "height": 1, "width": 1}}', "not JSON"),
        (b'{"dataRow": {"id": "r"}, "bbox": {"top": 1, "left": 1, "height": 1e999, "width": 1}}', "out of range"),
        (b'{"dataRow": {"id": "r"}, "bbox": {"top": 1, "left": 1, "height": 2e9, "width": 1}}', "<= 1000000000"),
        (b'{"dataRow": {"id": "r"}, "polygon": [{"x": 1, "y": -1e12}]}', ">= -1000000000"),
        (b'{"dataRow": {"id": "r"}, "point": {"x": 1e400, "y": 1}}', "point.x"),
        (b'{"dataRow": {"id": "r"}, "point": {"x": 12345678901234567890123, "y": 1}}', "point.x"),
        (b'{"dataRow": {"id": "r"}, "name": "\\ufdd0"}', "noncharacter"),
        (b'{"dataRow": {"id": "r"}, "confidence": 1.5}', "confidence"),
        (b"\xff", "not JSON"),
    ],
)
def test_a_line_of_the_wrong_shape_is_refused_by_its_path(text: bytes, words: str) -> None:
    with pytest.raises(LineProblem, match=r"\w") as raised:
        decode_line(text)
    assert words in raised.value.message


def test_the_other_lines_of_a_row_are_imported() -> None:
    body = build("IMAGE", {"name": "note", "answer": "kept"}, {"name": "nobody", "bbox": BOX})
    assert list(body.problems) == [1]
    assert body.content is not None
    assert len(parse_body(body.content)["classifications"]) == 1


@pytest.mark.parametrize("direction", ["unidirectional", "bidirectional"])
@pytest.mark.known("client")
def test_a_relationship_joins_the_objects_of_two_other_lines(direction: str) -> None:
    relation = {"source": "a", "target": "b", "type": direction}
    lines = [
        {"uuid": "c", "name": "the-edge", "relationship": relation},
        *({"uuid": uuid, "name": "the-rectangle", "bbox": BOX} for uuid in "ab"),
    ]
    body = document("IMAGE", *lines)
    [joined] = body["relationships"]
    first, second = (item["feature_id"] for item in body["objects"])
    assert joined[f"{direction}_relationship"] == {"source": first, "target": second}
    assert joined["annotation_kind"] == f"Image{direction.capitalize()}Relationship"


EMPTY = [
    {"name": "the-line", "line": []},
    {"name": "the-polygon", "polygon": []},
    {"name": "the-rectangle", "segments": []},
    {"name": "the-rectangle", "segments": [{"keyframes": []}]},
    {"name": "the-raster-segmentation", "masks": {"frames": [], "instances": []}},
    {"name": "the-raster-segmentation", "mask": {"counts": [], "size": [1, 1]}},
    {"name": "the-named-entity", "textSelections": []},
    {"name": "the-named-entity", "textSelections": [{"tokenIds": [], "groupId": "", "page": 1}]},
    {"name": "choices", "answers": []},
    {"name": "note", "answer": "x", "frames": []},
    {"name": "the-rectangle", "bbox": BOX, "classifications": []},
]
"""Lines with a list that is empty, or with an empty list of parts."""


@pytest.mark.parametrize(
    "media", ["IMAGE", "VIDEO", "TEXT", "PDF", "AUDIO", "CONVERSATIONAL", "DICOM", "TMS_GEO", "HTML"]
)
@pytest.mark.parametrize("line", EMPTY, ids=[orjson.dumps(line).decode() for line in EMPTY])
def test_empty_lists_are_refused_or_imported_in_every_medium(media: str, line: Line) -> None:
    for more in ({}, {"page": 1, "unit": "POINTS"}, {"groupKey": "axial"}):
        with contextlib.suppress(LineProblem):
            build(media, line | more)
