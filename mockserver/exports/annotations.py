"""The bodies of labels, predictions and embeddings as an export writes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from mockserver.exports.allowance import Allowance, select_long, select_short
from mockserver.exports.kept_bodies import KeptBodies
from mockserver.exports.steps import Step, apply_steps
from mockserver.exports.text import escape_non_ascii, json_string
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.records.labels import FEATURES, HOST, PROJECT, PROJECT_STAND_IN, TASK, Body

SHORT_BODY = 16 * 1024
"""Bytes of a body up to which it is read together with others. Most have less."""
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
        self._kept = KeptBodies[int](allowance)

    def read(self, wanted: Sequence[int]) -> dict[int, list[str]]:
        """The bodies with these numbers, and perhaps others that are kept, each in parts between feature prefixes.

        `wanted` names a body once for each of its labels. Raises TooMuchTogether.
        """
        self._kept.read(wanted, self._build)
        return self._kept.parts

    def _build(self, missing: Set[int]) -> Iterator[tuple[int, list[str]]]:
        for body in read_bodies(self._connection, sorted(missing), self._allowance):
            yield body.id, self._fill(body.content)

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
