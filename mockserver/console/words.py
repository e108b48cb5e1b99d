"""Values as the page writes them: numbers, times, sizes."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import Any

import orjson

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_ID = re.compile(r"[0-9a-f-]{16,}|c[0-9a-z]{24}")


def format_count(number: int) -> str:
    """Formats a number as `12,345`."""
    return f"{number:,}"


def format_moment(microseconds: int | None) -> str:
    """Formats a time as `2025-01-01 00:00:00 UTC`; a missing one as a dash."""
    if microseconds is None:
        return "–"
    time = _EPOCH + datetime.timedelta(microseconds=microseconds)
    return time.strftime("%Y-%m-%d %H:%M:%S UTC")


def format_short_moment(microseconds: int | None) -> str:
    """Formats a time as `2025-01-01 00:00`."""
    return "–" if microseconds is None else format_moment(microseconds)[:16]


def format_size(size: int) -> str:
    """Formats a number of bytes as `3.2 kB`."""
    amount = float(size)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{size} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def shorten_path(path: str) -> str:
    """Shortens the ids in a path, so that its words can be read: `/_files/…/assets/…/picture.png`."""
    return "/".join("…" if _ID.fullmatch(part) else part for part in path.split("/"))


def format_metadata(value: Any) -> str:
    """Formats the value of a metadata field: the names of the chosen options, or the value itself."""
    if isinstance(value, list):
        return ", ".join(str(item["schema_name"]) if "schema_name" in item else encode_json(item) for item in value)
    return str(value) if isinstance(value, str | int | float) else encode_json(value)


def format_json(document: Any) -> str:
    """Formats a document with two spaces for each level."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def encode_json(document: Any) -> str:
    """Encodes a document on one line, for an attribute."""
    return orjson.dumps(document).decode()


FILTERS: dict[str, Callable[..., Any]] = {
    "count": format_count,
    "moment": format_moment,
    "short_moment": format_short_moment,
    "size": format_size,
    "short_path": shorten_path,
    "metadata": format_metadata,
    "pretty": format_json,
    "json": encode_json,
    "zip": zip,
}
"""The filters of the templates."""
