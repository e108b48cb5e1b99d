"""Rows as a later service might write them: with fields, a media type or values that no client knows yet.

Nothing of it is imitated: it is there so that readers of exports can be tried (`switches.future`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

ROW = re.compile(rb'^\{"data_row":\{', re.MULTILINE)
"""The beginning of each line. A newline is never within one."""
MEDIUM = re.compile(rb'"asset_type":"[a-z_]+"')
VALUES = re.compile(rb'"(label_kind|annotation_kind|workflow_status)":"[A-Za-z_]+"')
"""Keys of enums. Within texts, quotation marks are escaped, so no text matches."""


def add_fields(text: bytes) -> bytes:
    """Adds a section to each row, and a field to its data row."""
    return ROW.sub(rb'{"future_section":{"version":2,"items":[]},"data_row":{"future_field":null,', text)


def add_numbers(text: bytes) -> bytes:
    """Gives each data row numbers that a floating-point number of 64 bits cannot hold: 2**53 + 1, and 2**63 + 1."""
    return ROW.sub(rb'{"data_row":{"future_number":9007199254740993,"future_size":9223372036854775809,', text)


def replace_media(text: bytes) -> bytes:
    """Gives each row a media type that does not exist."""
    return MEDIUM.sub(rb'"asset_type":"hologram"', text)


def replace_values(text: bytes) -> bytes:
    """Gives enums of rows and labels values that do not exist."""
    return VALUES.sub(rb'"\1":"FutureValue"', text)


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "fields": add_fields,
    "numbers": add_numbers,
    "media": replace_media,
    "values": replace_values,
}
"""By the form of the switch."""
