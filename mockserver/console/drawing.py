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
from mockserver.world.media import MEDIA


def draw(source: Source) -> Drawing:
    """Draws a data row. A file that is on another server or unreadable is named, and not drawn."""
    way = _BY_ASSET_TYPE.get(str(source.attributes.get("asset_type")), name_file)
    try:
        return way(source)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, EOFError, struct.error, wave.Error):
        return Drawing(
            "file", note="This file cannot be drawn; it is linked above, and its annotations are in the JSON."
        )


_WAYS: dict[str, Callable[[Source], Drawing]] = {
    "picture": draw_picture,
    "clip": draw_clip,
    "volume": draw_volume,
    "text": draw_text,
    "conversation": draw_conversation,
    "pages": draw_document,
    "sound": draw_sound,
    "map": draw_map,
    "page": lambda _source: Drawing("page"),
    "file": name_file,
}
"""By `drawn_as` of the media type."""
_BY_ASSET_TYPE = {media.wire.lower(): _WAYS[media.drawn_as] for media in reversed(MEDIA)}
"""The first media type of a wire word decides. All agree about their data rows."""
