"""The content of an imported data row: its media type and its media attributes.

Nothing is ever fetched. A fact that a client does not send follows from the name of the file. Facts that only the file
has are the same for all files (inferred).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson

from mockserver.errors import nearest
from mockserver.imports.names import camelize
from mockserver.imports.refusals import ContentRefused, ItemRefused
from mockserver.world.file_rules import FileRule, find_rule
from mockserver.world.media import (
    BY_EXTENSION,
    BY_NAME,
    CONTENTS,
    IMPORTED_TYPES,
    MEDIA,
    NEVER_TEXTS,
    OTHER_DOCUMENT,
    MediaType,
)
from mockserver.world.new_rows import Content
from mockserver.world.record import JsonText, encode_json

MEASURES: dict[str, int] = {
    "height": 720, "width": 1280, "exif_rotation": 1, "frame_rate": 30, "frame_count": 300,
}  # fmt: skip
"""The facts that only the file has. Width and height may be in its name."""
IN_FRONT = ("height", "width")
"""The attributes in front of the type of the asset, in every sample."""

_URL = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://(\S+|[^\s/]+/[^\r\n]*\.({}))".format("|".join(sorted(BY_EXTENSION))), re.IGNORECASE
)
"""A client may send a file name with blanks as it is; a text that begins with a URL does not end as one (inferred)."""
_SIZE = re.compile(r"(?<!\d)([1-9]\d{1,4})x([1-9]\d{1,4})(?!\d)|/([1-9]\d{1,4})/([1-9]\d{1,4})(?:\.\w+)?$", re.ASCII)
_BY_WIRE = {media.wire: media for media in reversed(MEDIA)}
_CONVERSATION = "application/vnd.labelbox.conversational"
_TEXT_LAYERS = ("textLayerUrl", "tileLayerUrl")
"""The keys of a text layer. A document has one under the last key too (SDK tests test_data_rows.py
test_data_row_update)."""
_GEOSPATIAL = re.compile(r"EPSG:?[0-9]+", re.IGNORECASE)

JsonObject = dict[str, Any]


def build_content(row_data: Any, media_type: str | None = None, rules: Sequence[FileRule] = ()) -> Content:
    """The content that `row_data` describes: a URL, a text, or a document as an object or as text. The first of the
    `rules` that a URL fits gives the file attributes.

    Raises ItemRefused for other values and for an unknown media type.
    """
    word = None if media_type is None else _check_word(media_type)
    document = _find_document(row_data)
    if document is not None:
        return _build_document(document, word)
    if not isinstance(row_data, str) or not row_data.strip():
        raise ItemRefused(f"row_data is {str(row_data)[:100]!r}; expected a URL, a text or an object")
    if _URL.fullmatch(row_data):
        return _build_file(row_data, word, find_rule(rules, row_data))
    if word in NEVER_TEXTS:
        raise _refuse_type(word, "application/json" if _is_object(row_data) else "text/plain")
    media = _BY_WIRE.get(word or "", BY_NAME["text"])
    return Content(row_data, None, word or media.wire, _render(media, word or media.wire, "text/plain"))


def _check_word(media_type: str) -> str:
    word = str(media_type).upper()
    if word not in IMPORTED_TYPES:
        near = ", ".join(nearest(word, sorted(IMPORTED_TYPES), most=3))
        raise ItemRefused(f"Unknown media_type {media_type!r}; the nearest known are {near}")
    return word


def _find_document(row_data: Any) -> JsonObject | None:
    """The object that is the row's content, also if it was sent as a text. Its own keys become camel case (SDK tests
    v.5.2.1 test_mmc_data_rows.py, test_mmc_all; docs: `tile_layer_url`)."""
    if isinstance(row_data, dict):
        return {camelize(name): value for name, value in row_data.items()}
    if not isinstance(row_data, str) or not row_data.lstrip().startswith("{"):
        return None
    try:
        parsed = orjson.loads(row_data)
    except orjson.JSONDecodeError:
        return None
    document = {camelize(name): value for name, value in parsed.items()} if isinstance(parsed, dict) else {}
    return document if _find_media(document) is not None else None


def _is_object(text: str) -> bool:
    """Whether a text is an object of JSON, as SDKs up to 3.74 send one."""
    with contextlib.suppress(orjson.JSONDecodeError):
        return isinstance(orjson.loads(text), dict)
    return False


def _find_media(document: JsonObject) -> MediaType | None:
    """The media type of an object: of a document with its text layer, of tiles, or of a conversation (docs: import of
    PDF, tiled imagery and conversations)."""
    if "pdfUrl" in document:
        return BY_NAME["document"]
    if "tileLayerUrl" in document:
        geospatial = _GEOSPATIAL.fullmatch(str(document.get("epsg", "")))
        return BY_NAME["geospatial" if geospatial else "tiles"]
    kind = str(document.get("type", ""))
    return BY_NAME["conversational"] if kind.startswith(_CONVERSATION) and "messages" in document else None


def _build_document(document: JsonObject, word: str | None) -> Content:
    media = _find_media(document)
    _check_document(media, word)
    if media is BY_NAME["document"]:
        return _build_pdf(document)
    wire = word or (OTHER_DOCUMENT if media is None else media.wire)
    text = encode_json(document)
    if media is BY_NAME["conversational"]:
        return Content(None, text, wire, _render(media, wire, document["type"], **_count_messages(document)))
    return Content(None, text, wire, _render(None, wire, "application/json"))


def _check_document(media: MediaType | None, word: str | None) -> None:
    """Raises ItemRefused for an object that the media type of its row does not take."""
    detected = "application/pdf" if media is BY_NAME["document"] else "application/json"
    expected = CONTENTS.get(word or "", detected)
    if expected != detected:
        raise _refuse_type(word, detected)
    if word in CONTENTS and media is not None and media.tiled != _BY_WIRE[word].tiled:
        raise ItemRefused(f"Found invalid contents for media type: {word!r}")


def _refuse_type(word: str | None, detected: str) -> ItemRefused:
    return ContentRefused(CONTENTS[word or ""], detected)


def _build_pdf(document: JsonObject) -> Content:
    """A document is its file; the text layer is one of its attributes, as in exports (observed 2025-05)."""
    media = BY_NAME["document"]
    url = document["pdfUrl"]
    layer = next((document[name] for name in _TEXT_LAYERS if document.get(name) is not None), None)
    if not isinstance(url, str) or not url or "\0" in url:
        raise ItemRefused(f"pdfUrl is {str(url)[:100]!r}; expected a URL without the character NUL")
    more = {} if layer is None else {"text_layer_url": str(layer)}
    return Content(url, None, media.wire, _render(media, media.wire, media.mime_types["pdf"], **more))


def _count_messages(document: JsonObject) -> JsonObject:
    """`messages` is a list in which some can be labelled, or in chats with models an object by id."""
    messages = document["messages"]
    if isinstance(messages, dict):
        return {"labelable_ids": list(messages), "message_count": len(messages)}
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise ItemRefused("messages of a conversation must be a list of objects with messageId and content")
    labelable = [str(message.get("messageId")) for message in messages if message.get("canLabel")]
    return {"labelable_ids": labelable, "message_count": len(messages)}


def _build_file(url: str, word: str | None, rule: FileRule | None) -> Content:
    path = url.partition("?")[0].partition("#")[0]
    extension = path.rpartition(".")[2].lower()
    if word is None and rule is not None:
        word = rule.media_type
    media = BY_EXTENSION.get(extension, BY_NAME["image"]) if word is None else _BY_WIRE.get(word)
    wire = word or (OTHER_DOCUMENT if media is None else media.wire)
    types = {} if media is None else media.mime_types
    mime_type = types.get(extension) or next(iter(types.values()), "application/json")
    size = _find_size(path)
    if rule is not None and not rule.readable:
        return Content(url, None, wire, JsonText("{}"))
    if rule is None or not rule.attributes:
        return Content(url, None, wire, _render_file(media, wire, mime_type, size))
    known = _name_size(size) | rule.attributes
    return Content(url, None, wire, _render(media, wire, str(known.pop("mime_type", mime_type)), **known))


def _find_size(path: str) -> tuple[int, int] | None:
    """The width and height that a name like `street-1920x1080.jpg` or `/200/300.jpg` has."""
    match = _SIZE.search(path)
    if match is None:
        return None
    return (int(match[1]), int(match[2])) if match[1] else (int(match[3]), int(match[4]))


@lru_cache(maxsize=1024)
def _render_file(media: MediaType | None, wire: str, mime_type: str, size: tuple[int, int] | None) -> JsonText:
    return _render(media, wire, mime_type, **_name_size(size))


def _name_size(size: tuple[int, int] | None) -> JsonObject:
    return {} if size is None else {"width": size[0], "height": size[1]}


def _render(media: MediaType | None, wire: str, mime_type: str, **known: Any) -> JsonText:
    """The attributes in the order of the samples: the size, the types, everything else."""
    measures = {name: known.get(name, MEASURES[name]) for name in ([] if media is None else media.measures)}
    attributes = {name: measures.pop(name) for name in IN_FRONT if name in measures}
    attributes |= {"asset_type": wire.lower(), "mime_type": mime_type} | measures
    attributes |= {name: value for name, value in known.items() if name not in IN_FRONT}
    return encode_json(attributes)
