"""The bodies of labels, predictions and embeddings as an export writes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mockserver.exports.allowance import MOST_TOGETHER, Allowance, select_long, select_short
from mockserver.exports.steps import Step, apply_steps
from mockserver.exports.text import escape_non_ascii, json_string
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.records.labels import FEATURES, HOST, PROJECT, PROJECT_STAND_IN, TASK, Body

SHORT_BODY = 16 * 1024
"""Bytes of a body up to which it is read together with others. Most have less."""
BYTES_KEPT = MOST_TOGETHER
"""Of bodies in the cache. Large projects share bodies, so each is read once; if none is shared, few are kept."""
FEATURES_PLACEHOLDER = FEATURES.decode()


class Annotations:
    """Canonical bodies by number, in ASCII, with host and task filled in: the same for all rows of an export.

    Each is split at the places of the label's feature prefix: joining the parts takes a sixth of the time of
    `str.replace`.
    """

    def __init__(
        self, connection: Connection, *, host: str, task_id: str, steps: list[Step], allowance: Allowance
    ) -> None:
        """`allowance` counts each body as often as it is read."""
        self._steps, self._allowance = steps, allowance
        self._connection, self._host, self._task_id = connection, json_string(host)[1:-1].encode(), task_id.encode()
        self._cache: dict[int, list[str]] = {}
        self._sizes: dict[int, int] = {}
        self._kept = 0

    def read(self, wanted: Sequence[int]) -> dict[int, list[str]]:
        """The bodies with these numbers, and perhaps others from the cache, each in parts between feature prefixes.

        `wanted` names a body once for each of its labels. Raises TooMuchTogether.
        """
        missing = set(wanted) - self._cache.keys()
        if missing:
            self._make_room(wanted)
            self._read_missing(sorted(missing))
        self._allowance.take(sum(map(self._sizes.__getitem__, wanted)))
        return self._cache

    def _make_room(self, wanted: Iterable[int]) -> None:
        """Forgets the bodies that are not wanted now, if there are many."""
        if self._kept <= BYTES_KEPT:
            return
        self._cache = {number: self._cache[number] for number in self._cache.keys() & wanted}
        self._sizes = {number: self._sizes[number] for number in self._cache}
        self._kept = sum(self._sizes.values())

    def _read_missing(self, missing: list[int]) -> None:
        """Reads bodies until they are too many together."""
        filled = 0
        for body in read_bodies(self._connection, missing, self._allowance):
            parts = self._cache[body.id] = self._fill(body.content)
            size = self._sizes[body.id] = sum(map(len, parts))
            self._kept += size
            filled += size
            self._allowance.check(filled)

    def _fill(self, content: bytes) -> list[str]:
        """The parts of a body, with host and task in the place of their placeholders."""
        content = content.replace(HOST, self._host).replace(TASK, self._task_id)
        content = apply_steps(content, self._steps).replace(PROJECT, PROJECT_STAND_IN.encode())
        return escape_non_ascii(content.decode()).split(FEATURES_PLACEHOLDER)


def read_bodies(
    connection: Connection, numbers: list[int], allowance: Allowance, *, with_aside: bool = False
) -> Iterator[Body]:
    """Yields bodies; without their `aside` unless it is wanted. Raises TooMuchTogether before it reads more than is
    allowed."""
    clause = Clause("id IN :ids", ids=numbers)
    aside = select_short("aside", SHORT_BODY) if with_aside else "NULL, NULL"
    rows = connection.select_columns(Body, f"id, {select_short('content', SHORT_BODY)}, {aside}", clause)
    sizes = [(size, more or 0) for _, _, size, _, more in rows]
    allowance.check(sum(map(sum, sizes)))
    contents, asides = (
        select_long(connection, Body, "id", column, clause, SHORT_BODY)
        if any(size[at] > SHORT_BODY for size in sizes)
        else {}
        for at, column in enumerate(("content", "aside"))
    )
    for number, content, _, text, _ in rows:
        yield Body(number, contents.pop(number, content), asides.pop(number, text))
