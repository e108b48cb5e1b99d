"""A data row as it is shown: its picture, clip, text, pages, messages, sound, map or slices, with a label over it."""

from __future__ import annotations

import struct
import wave
from collections.abc import Callable

from mockserver.console.drawn import Drawing, Source, name_file
from mockserver.console.maps import draw_map
from mockserver.console.pictures import draw_clip, draw_picture, draw_volume
from mockserver.console.sounds import draw_sound
from mockserver.console.texts import draw_conversation, draw_document, draw_text


def draw(source: Source) -> Drawing:
    """Draws a data row. A file that is on another server or unreadable is named, and not drawn."""
    way = _WAYS.get(str(source.attributes.get("asset_type")), name_file)
    try:
        return way(source)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, EOFError, struct.error, wave.Error):
        return Drawing(
            "file", note="This file cannot be drawn; it is linked above, and its annotations are in the JSON."
        )


_WAYS: dict[str, Callable[[Source], Drawing]] = {
    "image": draw_picture,
    "video": draw_clip,
    "dicom": draw_volume,
    "text": draw_text,
    "conversational": draw_conversation,
    "pdf": draw_document,
    "audio": draw_sound,
    "tms_geo": draw_map,
    "tms_simple": draw_map,
    "html": lambda _source: Drawing("page"),
}
"""By the asset type of the media attributes."""
