"""The answers of the control API as text for a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

Json = dict[str, Any]
Render = Callable[[Any], str]

COLOURS = {
    "ok": "green", "ACTIVE": "green", "DELIVERED": "green", "PENDING": "yellow", "INACTIVE": "yellow",
    "STOPPED": "yellow", "FAILED": "red", "REVOKED": "red",
}  # fmt: skip
"""click takes colours out of everything that does not go to a terminal."""
NONE = "none"


def render_pairs(answer: Json) -> str:
    """A line for each key that has a value."""
    pairs = {key: value for key, value in answer.items() if value not in (None, [], {})}
    width = max(map(len, pairs), default=0)
    return "\n".join(f"{key:<{width}}  {_format(value, width + 2)}" for key, value in pairs.items())


def _format(value: Any, indent: int) -> str:
    """A value in one line; of an object with names and ids a line for each."""
    if isinstance(value, str):
        return paint(value)
    if isinstance(value, list) and all(isinstance(item, (str, int)) for item in value):
        return ", ".join(map(str, value))
    if isinstance(value, dict) and len(value) > 1 and all(isinstance(item, str) for item in value.values()):
        width = max(map(len, value))
        return f"\n{' ' * indent}".join(f"{name:<{width}}  {item}" for name, item in value.items())
    return json.dumps(value, ensure_ascii=False)


def paint(word: str) -> str:
    """The word in its colour, if it has one."""
    return click.style(word, fg=COLOURS[word]) if word in COLOURS else word


def render_table(rows: Sequence[Json], columns: Sequence[str], *, empty: str = NONE) -> str:
    """A line with the names of the columns, then one for each row."""
    if not rows:
        return empty
    cells = [[name.rpartition(".")[2] for name in columns], *([_cell(row, name) for name in columns] for row in rows)]
    widths = [max(len(line[number]) for line in cells) for number in range(len(columns))]
    return "\n".join(_join(line, widths) for line in cells)


def _join(line: Sequence[str], widths: Sequence[int]) -> str:
    padded = [paint(cell) + " " * (width - len(cell)) for cell, width in zip(line, widths, strict=True)]
    return "  ".join(padded).rstrip()


def _cell(row: Json, column: str) -> str:
    value: Any = row
    for key in column.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "-" if value is None else str(value)


def build_table_renderer(key: str, *columns: str) -> Render:
    """Renders the list under a key as a table."""

    def render(answer: Json) -> str:
        return render_table(answer[key], columns, empty=f"no {key}")

    return render


def render_keys(answer: Json) -> str:
    return "\n".join(answer["api_keys"])


def render_deliveries(answer: Json) -> str:
    """A line for each delivery, with the result of its last attempt."""
    rows: Iterable[Json] = answer["deliveries"]
    lines = [row | {"tries": len(row["attempts"]), "result": _last_result(row["attempts"])} for row in rows]
    return render_table(lines, ("id", "topic", "state", "tries", "result", "made_at", "next_at"), empty="no deliveries")


def _last_result(attempts: Sequence[Json]) -> str | None:
    if not attempts:
        return None
    last = attempts[-1]
    return str(last["status"]) if last["status"] is not None else f"{last['failure']}"


def render_health(answer: Json) -> str:
    return f"{paint(answer['status'])} {answer['version']}"
