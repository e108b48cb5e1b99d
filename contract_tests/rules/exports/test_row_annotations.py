"""The annotations of each exported row: their keys, ids, names and geometry."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from contract_tests.rules.exports.rows import HOST, ID, STILL, TASK, labels_of, leaves, project_of, read
from contract_tests.rules.generate.media.times import features_in
from contract_tests.rules.worlds import PROJECTS
from mockserver.world.clause import Clause
from mockserver.world.ids import feature_prefix
from mockserver.world.records.projects import Ontology
from mockserver.world.store import Store

GEOMETRY = {
    "ImageBoundingBox": "bounding_box", "ImagePolygon": "polygon", "ImagePolyline": "line", "ImagePoint": "point",
    "ImageSegmentationMask": "composite_mask", "TextEntity": "location",
}  # fmt: skip
FEATURE = ["feature_id", "feature_schema_id", "name", "value"]


@pytest.mark.known("sample")
@pytest.mark.parametrize(("project", "kinds"), [("image", 5), ("text", 1)])
def test_objects_have_the_keys_of_their_kind(store: Store, project: str, kinds: int) -> None:
    objects = [thing for label in labels_of(store, project) for thing in label["annotations"]["objects"]]
    assert len({thing["annotation_kind"] for thing in objects}) == kinds
    for thing in objects:
        assert list(thing) == [*FEATURE, "annotation_kind", "classifications", GEOMETRY[thing["annotation_kind"]]]


@pytest.mark.parametrize("project", STILL)
def test_no_feature_of_an_export_has_the_id_of_another(store: Store, project: str) -> None:
    ids = [value for path, value in leaves(labels_of(store, project)) if path.endswith(".feature_id")]
    assert len(set(ids)) == len(ids) > 30


@pytest.mark.known("client")
@pytest.mark.parametrize("project", ["video", "dicom"])
def test_feature_ids_are_the_same_in_every_place(store: Store, project: str) -> None:
    """Ids are keys of objects, segments and key frames; each begins with its label's prefix."""
    for label in labels_of(store, project):
        ids = {feature["feature_id"] for feature in features_in(label["annotations"])}
        assert all(ID.fullmatch(each) and each.startswith(feature_prefix(label["id"])) for each in ids)
        assert set(label["annotations"]["key_frame_feature_map"]) <= ids


@pytest.mark.parametrize("project", PROJECTS)
def test_every_name_in_an_annotation_is_in_the_ontology_under_the_same_schema_id(store: Store, project: str) -> None:
    with store.reading() as connection:
        [ontology] = connection.select(
            Ontology, Clause("id = (SELECT ontology_id FROM project WHERE name = :name)", name=project)
        )
    known: set[tuple[str, str, str | None]] = set(schemas(json.loads(ontology.normalized)))
    known |= {(schema_id, name, None) for schema_id, name, _ in known}  # judgements of messages have no `value`
    used = {(f["feature_schema_id"], f["name"], f.get("value")) for f in features(labels_of(store, project))}
    assert used - known == set()
    assert len(used) > 9


def features(value: Any) -> Iterator[Any]:
    if isinstance(value, dict) and "feature_schema_id" in value:
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from features(inner)


def schemas(value: Any) -> Iterator[tuple[str, str, str]]:
    """(feature schema id, displayed name, machine name) of every tool, question and option."""
    if isinstance(value, dict) and "featureSchemaId" in value:
        title = value.get("instructions") or value.get("label") or value["name"]
        machine = value.get("value") or (value["name"] if "instructions" in value else title.lower().replace(" ", "_"))
        yield value["featureSchemaId"], title, machine
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from schemas(inner)


@pytest.mark.known("sample")
def test_everything_drawn_lies_inside_its_picture(store: Store) -> None:
    for row in read(store, "image"):
        width, height = row["media_attributes"]["width"], row["media_attributes"]["height"]
        for label in project_of(row)["labels"]:
            for x, y in corners(label["annotations"]["objects"]):
                assert 0 <= x <= width - 1, label["id"]
                assert 0 <= y <= height - 1, label["id"]


def corners(objects: list[Any]) -> Iterator[tuple[float, float]]:
    for thing in objects:
        if box := thing.get("bounding_box"):
            assert box["height"] > 0 < box["width"]
            yield box["left"], box["top"]
            yield box["left"] + box["width"], box["top"] + box["height"]
        points = thing.get("polygon") or thing.get("line") or [thing[key] for key in ("point",) if key in thing]
        yield from ((point["x"], point["y"]) for point in points)


@pytest.mark.known("sample")
def test_a_polygon_ends_where_it_began(store: Store) -> None:
    rings = [
        o["polygon"] for label in labels_of(store, "image") for o in label["annotations"]["objects"] if "polygon" in o
    ]
    assert rings
    assert all(ring[0] == ring[-1] and len(ring) > 3 for ring in rings)


@pytest.mark.known("client")
def test_masks_of_a_label_share_a_picture_and_have_colours_of_their_own(store: Store) -> None:
    urls: set[str] = set()
    for label in labels_of(store, "image"):
        masks = [thing["composite_mask"] for thing in label["annotations"]["objects"] if "composite_mask" in thing]
        colours = [tuple(mask["color_rgb"]) for mask in masks]
        assert len(set(colours)) == len(colours)
        assert (0, 0, 0) not in colours
        shared = {mask["url"] for mask in masks}
        assert len(shared) == bool(masks)
        assert not shared & urls
        urls |= shared
    pattern = re.compile(f"{re.escape(HOST)}/api/v1/tasks/{TASK}/masks/(c[a-z0-9]{{24}})/index/1")
    assert urls
    assert all(pattern.fullmatch(url) for url in urls)
