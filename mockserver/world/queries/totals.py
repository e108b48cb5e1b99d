"""Counts about everything in a workspace, for the metrics of the server."""

from __future__ import annotations

from mockserver.world.database import Connection
from mockserver.world.records.tasks import EXPORT


def count_exports(connection: Connection) -> dict[str, int]:
    """The tasks of Export V2 by status."""
    return _count(connection, "SELECT status, COUNT(*) FROM task WHERE type = :type GROUP BY 1", type=EXPORT)


def count_legacy_exports(connection: Connection) -> dict[str, int]:
    """The files of Export V1 by status."""
    return _count(connection, "SELECT status, COUNT(*) FROM legacy_file GROUP BY 1")


def count_deliveries(connection: Connection) -> dict[str, int]:
    """The messages in the outbox by state."""
    return _count(connection, "SELECT state, COUNT(*) FROM outbox GROUP BY 1")


def _count(connection: Connection, sql: str, **params: str) -> dict[str, int]:
    return {str(key): int(count) for key, count in connection.rows(sql, params)}
