"""The bodies of labels, predictions and embeddings as an export writes them."""

from __future__ import annotations

from mockserver.exports.steps import Step, apply_steps
from mockserver.exports.text import escape_non_ascii, json_string
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.records.labels import FEATURES, HOST, PROJECT, PROJECT_STAND_IN, TASK, Body

BODIES_KEPT = 512
"""The most bodies in the cache. Large projects share bodies, so each is read once; if none is shared, few are kept."""
FEATURES_PLACEHOLDER = FEATURES.decode()


class Annotations:
    """Canonical bodies by number, in ASCII, with host and task filled in: the same for all rows of an export.

    Each is split at the places of the label's feature prefix: joining the parts takes a sixth of the time of
    `str.replace`.
    """

    def __init__(self, connection: Connection, *, host: str, task_id: str, steps: list[Step]) -> None:
        self._steps = steps
        self._connection, self._host, self._task_id = connection, json_string(host)[1:-1].encode(), task_id.encode()
        self._cache: dict[int, list[str]] = {}

    def read(self, wanted: set[int]) -> dict[int, list[str]]:
        """The bodies with these numbers, and perhaps others from the cache, each in parts between feature prefixes."""
        missing = sorted(wanted - self._cache.keys())
        if missing and len(self._cache) > BODIES_KEPT:
            self._cache = {number: self._cache[number] for number in wanted & self._cache.keys()}
        if missing:
            rows = self._connection.select_columns(Body, "id, content", Clause("id IN :ids", ids=missing))
            self._cache.update((number, self._fill(content)) for number, content in rows)
        return self._cache

    def _fill(self, content: bytes) -> list[str]:
        """The parts of a body, with host and task in the place of their placeholders."""
        content = content.replace(HOST, self._host).replace(TASK, self._task_id)
        content = apply_steps(content, self._steps).replace(PROJECT, PROJECT_STAND_IN.encode())
        return escape_non_ascii(content.decode()).split(FEATURES_PLACEHOLDER)
