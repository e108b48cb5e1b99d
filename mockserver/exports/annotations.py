"""The bodies of labels, predictions and embeddings as an export writes them."""

from __future__ import annotations

from mockserver.exports.steps import Step, apply_steps
from mockserver.exports.text import escape_non_ascii, json_string
from mockserver.world.database import Clause, Connection
from mockserver.world.labels import FEATURES, HOST, PROJECT, PROJECT_STAND_IN, TASK, Body

BODIES_KEPT = 512
"""Large populations share bodies, so these are read once; where nothing is shared, few are kept."""
FEATURES_PLACEHOLDER = FEATURES.decode()


class Annotations:
    """Canonical bodies by number, in ASCII, with host and task filled in: the same for all rows of an export.

    Each is cut where the label's feature prefix belongs, which joins it in a sixth of the time of `str.replace`.
    """

    def __init__(self, connection: Connection, *, host: str, task_id: str, steps: list[Step]) -> None:
        self._steps = steps
        self._connection, self._host, self._task_id = connection, json_string(host)[1:-1].encode(), task_id.encode()
        self._kept: dict[int, list[str]] = {}

    def read(self, wanted: set[int]) -> dict[int, list[str]]:
        """At least the wanted ones."""
        missing = sorted(wanted - self._kept.keys())
        if missing and len(self._kept) > BODIES_KEPT:
            self._kept = {number: self._kept[number] for number in wanted & self._kept.keys()}
        if missing:
            rows = self._connection.select_columns(Body, "id, content", Clause("id IN :ids", ids=missing))
            self._kept.update((number, self._filled(content)) for number, content in rows)
        return self._kept

    def _filled(self, content: bytes) -> list[str]:
        filled = content.replace(HOST, self._host).replace(TASK, self._task_id)
        written = apply_steps(filled, self._steps).replace(PROJECT, PROJECT_STAND_IN.encode())
        return escape_non_ascii(written.decode()).split(FEATURES_PLACEHOLDER)
