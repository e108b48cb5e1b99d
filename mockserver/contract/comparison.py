"""Compares the rows of a client with those that the world itself expects, and names the difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mockserver.contract.process import shorten

Json = dict[str, Any]
SEPARATORS = ("\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e")
"""Characters at which str.splitlines() splits and NDJSON does not."""
SECTIONS = (
    *("attachments", "metadata_fields", "embeddings", "details", "project_details", "label_details"),
    *("performance_details", "performance_details_v2"),
)
"""Keys that a param adds."""
FILES = "/_files/"
"""In the URL of a file, the workspace follows."""
MOST_NAMED = 3


class Difference(NamedTuple):
    """`mistake` is its name in the table of mistakes."""

    mistake: str
    detail: str


def compare_rows(rows: Sequence[Any], expected: Sequence[Json]) -> list[Difference]:
    """The differences, the most telling first; the order of rows is not compared."""
    strange = [row for row in rows if find_row_id(row) is None]
    if strange:
        return [Difference("not-rows", f"{len(strange)} items are no rows; the first is {shorten(strange[0])}")]
    ids = [str(find_row_id(row)) for row in rows]
    return [*_compare_ids(ids, [str(find_row_id(row)) for row in expected]), *_compare_contents(rows, expected)]


def find_row_id(row: Any) -> str | None:
    """The id of the data row; None of what is no row."""
    data_row = row.get("data_row") if isinstance(row, dict) else None
    row_id = data_row.get("id") if isinstance(data_row, dict) else None
    return row_id if isinstance(row_id, str) else None


def _compare_ids(ids: list[str], expected: list[str]) -> Iterator[Difference]:
    counts = Counter(ids)
    lost = [row_id for row_id in expected if row_id not in counts]
    if lost:
        yield Difference(_name_loss(lost, expected), f"{len(lost)} of {len(expected)} rows are missing: {_list(lost)}")
    doubled = [row_id for row_id, count in counts.items() if count > 1]
    if doubled:
        yield Difference("rows-doubled", f"{len(doubled)} rows are there more than once: {_list(doubled)}")
    known = set(expected)
    foreign = [row_id for row_id in counts if row_id not in known]
    if foreign:
        yield Difference("rows-foreign", f"{len(foreign)} rows were not expected: {_list(foreign)}")


def _name_loss(lost: list[str], expected: list[str]) -> str:
    """Names a loss by the rows that are missing: the end of the result, or everything after its first part."""
    if lost == expected[-1:] and len(expected) > 1:
        return "last-row-lost"
    suffix = lost == expected[-len(lost) :] and len(lost) < len(expected)
    return "first-file-only" if suffix and len(expected) > 1000 else "rows-lost"


def _compare_contents(rows: Sequence[Json], expected: Sequence[Json]) -> Iterator[Difference]:
    by_id = {find_row_id(row): row for row in expected}
    changed = [
        (row, by_id[find_row_id(row)]) for row in rows if find_row_id(row) in by_id and row != by_id[find_row_id(row)]
    ]
    if not changed:
        return
    path, received, wanted = find_difference(*changed[0])
    where = f"{len(changed)} rows differ; in {find_row_id(changed[0][0])} {path or 'the row'}"
    yield Difference(name_change(path, received, wanted), f"{where} is {shorten(received)}; expected {shorten(wanted)}")


MISSING = "(missing)"


def find_difference(received: Any, wanted: Any, path: str = "") -> tuple[str, Any, Any]:
    """The path, and both values there, of the first place where two documents differ."""
    if isinstance(received, dict) and isinstance(wanted, dict):
        for key in [*wanted, *(key for key in received if key not in wanted)]:
            mine, other = received.get(key, MISSING), wanted.get(key, MISSING)
            if mine != other:
                return find_difference(mine, other, f"{path}.{key}".lstrip("."))
    if isinstance(received, list) and isinstance(wanted, list) and len(received) == len(wanted):
        for at, (mine, other) in enumerate(zip(received, wanted, strict=True)):
            if mine != other:
                return find_difference(mine, other, f"{path}[{at}]")
    return path, received, wanted


def name_change(path: str, received: Any, wanted: Any) -> str:
    """The mistake that a difference shows most likely."""
    key = path.rpartition(".")[2]
    if MISSING in (received, wanted):
        name = "fields-lost" if received == MISSING else "fields-added"
        return "params-ignored" if key in SECTIONS else name
    if isinstance(received, list) and isinstance(wanted, list) and len(received) < len(wanted):
        return "labels-lost" if key == "labels" else "items-lost"
    if isinstance(wanted, int | float) and not isinstance(wanted, bool) and not isinstance(received, bool):
        return "numbers-damaged" if isinstance(received, int | float | str) else "rows-changed"
    if isinstance(wanted, str) and isinstance(received, str):
        return _name_damage(received, wanted)
    return "rows-changed"


def _name_damage(received: str, wanted: str) -> str:
    owners = [text.partition(FILES)[2].partition("/")[0] for text in (received, wanted)]
    if all(owners) and owners[0] != owners[1]:
        return "rows-of-another"
    if received and wanted.startswith(received.rstrip(".…")):
        return "texts-cut"
    if wanted.isascii():
        return "rows-changed"
    return "line-separators" if any(mark in wanted for mark in SEPARATORS) else "text-damaged"


def _list(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
    return ", ".join(ids[:MOST_NAMED]) + more
