"""The way from annotations to lines of an import, and back, without a server."""

import re
from functools import cache
from typing import Any

import orjson

from mockserver.exports.frames import interpolate_frames
from mockserver.exports.import_form import render_import_lines
from mockserver.exports.import_frames import Reference
from mockserver.generate.features import Ontology, build_ontology
from mockserver.generate.media.generator import Variant, get_generator
from mockserver.generate.scenario import load
from mockserver.generate.scenario_files import find
from mockserver.imports.bodies import ImportedBody, Target, build_body
from mockserver.imports.contents import Contents
from mockserver.imports.line_decoding import decode_line
from mockserver.imports.scopes import build_scope
from mockserver.world.media import BY_NAME
from mockserver.world.record import JsonText
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import STAND_IN, parse_body

Lines = list[dict[str, Any]]
REFERENCE = Reference({"id": "c" + "0" * 24})
_FEATURE = re.compile(re.escape(STAND_IN) + "[0-9a-z]{5}")
_URL = re.compile(r'"url": ?"[^"]*"')


@cache
def ontology_of(name: str) -> Ontology:
    """The ontology that a packaged scenario has for a media type."""
    plans = {
        plan.media: (key, plan)
        for scenario in ("forms", "default")
        for key, plan in load(find(scenario)).ontologies.items()
    }
    return build_ontology(0, *plans[name])


def build_variant(name: str, number: int) -> Variant:
    return get_generator(name).build_variant(0, name, number, ontology_of(name))


def build_row(name: str, number: int, variant: Variant) -> DataRow:
    return DataRow(
        1, REFERENCE.data_row["id"], "d", None, "key", BY_NAME[name].wire, None, f"{name}/{name}/{number}",
        variant.media_attributes, JsonText("{}"), "u", 0, 0, 0, False,
    )  # fmt: skip


def read_aside(variant: Variant | ImportedBody) -> dict[str, Any]:
    return orjson.loads(variant.aside) if variant.aside else {}


def read_size(row: DataRow) -> tuple[int, int] | None:
    attributes = orjson.loads(row.media_attributes)
    return (attributes["width"], attributes["height"]) if "width" in attributes else None


def render(content: bytes, aside: dict[str, Any], row: DataRow, *, by_name: bool = False) -> Lines:
    reference = REFERENCE._replace(by_name=by_name)
    return render_import_lines(parse_body(content), reference, aside=aside, size=read_size(row))


def build(name: str, row: DataRow, lines: Lines) -> ImportedBody:
    target = Target(BY_NAME[name].wire, Contents(row, 0), build_scope(ontology_of(name)))
    return build_body(target, [decode_line(orjson.dumps(line)) for line in lines])


def number_features(document: Any) -> str:
    """The document as text, its features numbered in the order in which they appear."""
    numbers: dict[str, str] = {}
    text = orjson.dumps(document).decode()
    return _FEATURE.sub(lambda match: numbers.setdefault(match[0], f"feature-{len(numbers)}"), text)


def compare(content: bytes) -> Any:
    """Reads what an import keeps of annotations: all frames, without how many of them are key frames. Masks in frames
    are imported after all other objects, in colours of their own, and without answers (SDK ndjson/objects.py
    `NDVideoMasks`)."""
    document = interpolate_frames(parse_body(content))
    document.pop("key_frame_feature_map", None)
    for sheet in document.get("groups", {"": document}).values():
        for frame in sheet.get("frames", {}).values():
            frame["objects"] = dict(sorted(frame["objects"].items(), key=lambda item: ("mask" in str(item), item[0])))
            frame["classifications"].sort(key=lambda question: question["feature_id"])
            for item in frame["objects"].values():
                if "composite_mask" in item:
                    item["classifications"] = []
                    del item["composite_mask"]["color_rgb"]
    return orjson.loads(number_features(document))
