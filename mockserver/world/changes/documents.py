"""JSON documents of any content that clients let the world keep, within bounds."""

from __future__ import annotations

from typing import Any

from mockserver.errors import BadInput
from mockserver.world.record import JsonText, encode_json

MOST_BYTES = 1_000_000
"""Bytes of one document: lists repeat it, and some grow by each request."""


def encode_bounded(what: str, document: Any) -> JsonText:
    """The text of a document. Raises BadInput when it is larger than what is kept."""
    text = encode_json(document)
    if (size := len(text.encode())) > MOST_BYTES:
        raise BadInput(
            f"{what} would have {size:,} bytes; at most {MOST_BYTES:,} are kept: send less, or reset it first"
        )
    return text
