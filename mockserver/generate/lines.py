"""Finds the line of a TOML file that a key path leads to: `tomllib` says where nothing is."""

from __future__ import annotations

import re
from typing import NamedTuple

from mockserver.vocabulary import Step, split_path

_HEADER = re.compile(r"\s*\[(\[?)([^\[\]]+)\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")


class _Place(NamedTuple):
    """A line that begins a table or a value, and its path."""

    line: int
    path: tuple[Step, ...]


def find_line(text: str, path: str, value: object = None) -> int:
    """The number of the line, counted from 1, that has the value at a path; of what is around it, if it has none."""
    steps = tuple(split_path(path))
    lines = text.splitlines()
    places = _list_places(lines)
    around = [place for place in places if steps[: len(place.path)] == place.path]
    if not around:
        return 1
    best = max(around, key=lambda place: len(place.path))
    end = next((place.line for place in places if place.line > best.line), len(lines) + 1)
    rest = steps[len(best.path) :]
    return _find_inline(lines, best.line, end, rest, value) if rest else best.line


def _list_places(lines: list[str]) -> list[_Place]:
    places: list[_Place] = []
    table: tuple[Step, ...] = ()
    counts: dict[tuple[Step, ...], int] = {}
    for number, line in enumerate(lines, start=1):
        if header := _HEADER.match(line):
            table = _resolve(_split_keys(header[2]), counts, is_list=bool(header[1]))
            places.append(_Place(number, table))
        elif key := _KEY.match(line):
            places.append(_Place(number, (*table, *_split_keys(key[1]))))
    return places


def _split_keys(text: str) -> list[str]:
    return [key.strip("\"'") for key in re.findall(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""", text)]


def _resolve(keys: list[str], counts: dict[tuple[Step, ...], int], *, is_list: bool) -> tuple[Step, ...]:
    """The path of a header's table: `[[projects.values]]` belongs to the last project so far."""
    path: tuple[Step, ...] = ()
    for number, key in enumerate(keys, start=1):
        path = (*path, key)
        if is_list and number == len(keys):
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _find_inline(lines: list[str], start: int, end: int, rest: tuple[Step, ...], value: object) -> int:
    """The line of a value inside of lists and tables that are written as one value."""
    key = next((step for step in reversed(rest) if isinstance(step, str)), None)
    if key is not None and isinstance(value, (str, int, float)):
        literal = re.escape(str(value)) if not isinstance(value, bool) else str(value).lower()
        pattern = re.compile(rf"""\b{re.escape(key)}["']?\s*=\s*["']*{literal}["']*(?![\w])""")
        for number in range(start, end):
            if pattern.search(lines[number - 1]):
                return number
    if isinstance(rest[0], int):
        items = [number for number in range(start, end) if lines[number - 1].lstrip().startswith("{")]
        if rest[0] < len(items):
            return items[rest[0]]
    return start
