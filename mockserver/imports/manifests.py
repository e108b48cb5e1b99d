"""The files of an import of data rows: a manifest that names chunks, and lists of items in JSON."""

from __future__ import annotations

import codecs
import contextlib
import json
import math
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import orjson

from mockserver.conversion import decode
from mockserver.errors import BadInput
from mockserver.imports.json_items import ItemDecoder

_BLANK = re.compile(r"[ \t\r\n]*")
_EXCERPT = 40
MOST_ITEMS = 1_000_000
"""Items of one file. SDKs send 1,000 in each."""
INTEGERS = range(-(2**63), 2**64)
"""The integers that can be written again as JSON."""
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_ENDS_OF_ITEMS = ("}},", "},")
"""The ends of an item with a payload, and of a data row, with the comma behind them."""
WINDOW = 32 * 1024
"""Characters that are parsed in one call, within 0.2 ms."""


class DamagedItem(msgspec.Struct, frozen=True):
    """An item of JSON with half of a surrogate pair, which no text of Unicode has. `item` has marks in its place."""

    item: Any


class Manifest(msgspec.Struct, frozen=True):
    """The manifest of `upsertDataRows` (SDK data_row_uploader.py)."""

    chunk_uris: list[str]
    item_count: int | None = None
    source: str | None = None


def parse_manifest(content: bytes) -> Manifest:
    """Raises BadInput."""
    try:
        return decode(content.removeprefix(codecs.BOM_UTF8), Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(
            f'The manifest cannot be read ({error}); expected {{"source": "SDK", "item_count": 1, "chunk_uris": ["…"]}}'
        ) from None


def decode_chunk(content: bytes) -> str:
    """The text of a file with items. Raises BadInput."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"A file of data rows is not UTF-8 ({error}); expected a JSON list of data rows") from None


def iterate_items(text: str) -> Iterator[Any]:
    """The items of a JSON list, parsed some at a time: one call for all of them would keep other threads waiting.

    One with half of a surrogate pair is a DamagedItem, so that it is refused alone. Raises BadInput.
    """
    place, ended = _find_first(text)
    number = slow_until = 0
    while not ended:
        items, after = _decode_together(text, place) if place >= slow_until else ([], place)
        if items:
            place = after
        else:
            slow_until = max(slow_until, place + WINDOW)
            item, place, ended = _decode_one(text, place)
            items = [item]
        for item in items:
            if number == MOST_ITEMS:
                raise BadInput(f"A file of data rows has more than {MOST_ITEMS:,} items; send them in several files")
            yield item
            number += 1
    if place < len(text):
        raise BadInput(
            f"A file of data rows has {text[place : place + _EXCERPT]!r} behind its list, at character {place:,};"
            " expected one JSON list of data rows"
        )


def _find_first(text: str) -> tuple[int, bool]:
    """The place of the first item, or behind an empty list, and whether the list is empty. Raises BadInput."""
    place = _skip(text, 0)
    if text[place : place + 1] != "[":
        raise BadInput(
            f"A file of data rows begins with {text[place : place + _EXCERPT]!r}; expected a JSON list of data rows"
        )
    place = _skip(text, place + 1)
    return (_skip(text, place + 1), True) if text[place : place + 1] == "]" else (place, False)


def _decode_together(text: str, start: int) -> tuple[list[Any], int]:
    """The items of a window of the text up to the last place that seems to be the end of one, and the place of the next
    item. No items where that is none, or something in the window needs the slower way."""
    window = text[start : start + WINDOW]
    for sign in _ENDS_OF_ITEMS:
        end = window.rfind(sign) + len(sign) - 1
        if end >= len(sign):
            with contextlib.suppress(orjson.JSONDecodeError):
                return orjson.loads(f"[{window[:end]}]"), _skip(text, start + end + 1)
    return [], start


def _decode_one(text: str, start: int) -> tuple[Any, int, bool]:
    """One item, the place of the next one or behind the list, and whether there is none. Raises BadInput."""
    try:
        item, place = _DECODER.decode(text, start)
        if _ESCAPED_SURROGATE.search(text, start, place):
            item = _mend(item)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"A file of data rows is not JSON ({error}); expected a JSON list of data rows") from None
    place = _skip(text, place)
    separator = text[place : place + 1]
    if separator not in (",", "]") or separator == "":
        raise BadInput(
            f"A file of data rows has {text[place : place + _EXCERPT]!r} behind an item, at character {place:,}; "
            "expected a JSON list of data rows"
        )
    return item, _skip(text, place + 1), separator == "]"


def _mend(item: Any) -> Any:
    """The item, or a damaged one if it has half of a surrogate pair."""
    text = json.dumps(item, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return DamagedItem(json.loads(text.encode("utf-8", "replace")))
    return item


def _skip(text: str, place: int) -> int:
    match = _BLANK.match(text, place)
    return place if match is None else match.end()


def _parse_integer(digits: str) -> int | float:
    """The number; one of more than 64 bits as a float, as in bodies of requests. Raises ValueError."""
    number = int(digits)
    if number in INTEGERS:
        return number
    if math.isinf(value := float(digits)):
        raise ValueError(f"a number of {len(digits):,} digits is too large")
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


_DECODER = ItemDecoder(parse_constant=_refuse_constant, parse_int=_parse_integer)
