"""Media attributes in Export V1 and GraphQL: those of V2 in camelCase, and those of clips from their file."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from mockserver.exports.legacy.numbers import to_javascript
from mockserver.exports.text import escape_non_ascii, to_camel_case
from mockserver.generate.assets import build_asset, is_document, parse_recipe

SIZES_KEPT = 4096
TEXTS_KEPT = 1024

JsonObject = dict[str, Any]


def build_media_attributes(text: str, recipe: str | None, *, seed: int) -> JsonObject:
    """The `mediaAttributes` of a data row, from those of Export V2 as JSON. Of a clip whose file the server hosts by
    `recipe`, the eleven of the sample, in its order (observed 2023-02); all others in camelCase (inferred)."""
    known = orjson.loads(text)
    if recipe is None or is_document(recipe) or parse_recipe(recipe)[0].media.legacy_attributes != "of_file":
        attributes: JsonObject = to_javascript(to_camel_case(known))
        return attributes
    rate, count = known["frame_rate"], known["frame_count"]
    facts = {
        "codec": "avc1",
        "width": known["width"],
        "height": known["height"],
        "codecTag": "0x31637661",
        "duration": round(count / rate),
        "mimeType": known["mime_type"],
        "codecName": "h264",
        "frameRate": rate,
        "frameCount": count,
        "contentLength": count_file_bytes(recipe, seed),
        "sampleAspectRatio": "1:1",
    }
    clip: JsonObject = to_javascript(facts)
    return clip


def render_media_attributes(text: str, recipe: str | None, seed: int) -> str:
    """The same as JSON in ASCII."""
    is_file = recipe is not None and not is_document(recipe)
    return _render_kept(text, recipe if is_file else None, seed)


@lru_cache(maxsize=TEXTS_KEPT)
def _render_kept(text: str, recipe: str | None, seed: int) -> str:
    """Rows share few texts; of clips each file has its own. A document may be long, and is not kept."""
    return escape_non_ascii(orjson.dumps(build_media_attributes(text, recipe, seed=seed)).decode())


@lru_cache(maxsize=SIZES_KEPT)
def count_file_bytes(recipe: str, seed: int) -> int:
    """How many bytes the file of a recipe has. The file is generated to count them, some 50 ms for a clip."""
    return len(build_asset(recipe, seed=seed).content)
