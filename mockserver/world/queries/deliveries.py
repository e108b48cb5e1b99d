"""Pages of deliveries, and counts about the deliveries and attempts of one subscription."""

from __future__ import annotations

from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.records.webhooks import Delivery


def list_page(
    connection: Connection, condition: Clause, first: int, most_bytes: int
) -> tuple[list[Delivery], int | None]:
    """The first deliveries that meet the condition, and the number of the last one if others may follow.

    They end before their bodies and the answers to their attempts have more than `most_bytes`; one is always on the
    page.
    """
    rows = connection.select_columns(Delivery, f"no, {_SIZE}", condition, order="no", first=first)
    numbers: list[int] = []
    total = 0
    for number, size in rows:
        total += size
        if numbers and total > most_bytes:
            break
        numbers.append(number)
    page = connection.select(Delivery, Clause("no IN :numbers", numbers=numbers), order="no") if numbers else []
    return page, numbers[-1] if numbers and (len(rows) == first or len(numbers) < len(rows)) else None


_SIZE = (
    "length(body) + length(headers) + (SELECT"
    " COALESCE(SUM(length(answer) + length(answer_headers) + length(reason)), 0)"
    " FROM attempt WHERE delivery_no = outbox.no)"
)


def count_deliveries(connection: Connection, subscription_id: str) -> int:
    return int(connection.value("SELECT COUNT(*) FROM outbox WHERE subscription_id = :id", {"id": subscription_id}))


def count_by_state(connection: Connection, subscription_id: str) -> dict[str, int]:
    return _count(
        connection, "SELECT state, COUNT(*) FROM outbox WHERE subscription_id = :id GROUP BY 1", subscription_id
    )


def count_by_topic(connection: Connection, subscription_id: str) -> dict[str, int]:
    return _count(
        connection, "SELECT topic, COUNT(*) FROM outbox WHERE subscription_id = :id GROUP BY 1", subscription_id
    )


def count_by_result(connection: Connection, subscription_id: str) -> dict[str, int]:
    """The attempts by HTTP status, or by failure where there was no answer."""
    sql = "SELECT COALESCE(CAST(a.status AS TEXT), a.failure), COUNT(*)" + _OF_SUBSCRIPTION + " GROUP BY 1"
    return _count(connection, sql, subscription_id)


def list_seconds(connection: Connection, subscription_id: str) -> list[float]:
    """The seconds that the answered attempts took, sorted."""
    sql = "SELECT a.seconds" + _OF_SUBSCRIPTION + " AND a.status IS NOT NULL ORDER BY a.seconds"
    return [float(seconds) for (seconds,) in connection.rows(sql, {"id": subscription_id})]


def find_last_attempts(connection: Connection, subscription_id: str) -> tuple[int | None, int | None]:
    """The times of the last attempt that succeeded and of the last that failed."""
    success = "a.status IS NOT NULL AND a.status BETWEEN 200 AND 299"
    sql = f"SELECT MAX(CASE WHEN {success} THEN a.at END), MAX(CASE WHEN {success} THEN NULL ELSE a.at END)"
    succeeded, failed = connection.rows(sql + _OF_SUBSCRIPTION, {"id": subscription_id})[0]
    return succeeded, failed


_DELIVERIES = " WHERE o.subscription_id = :id GROUP BY 1"
_OF_SUBSCRIPTION = " FROM attempt a JOIN outbox o ON o.no = a.delivery_no WHERE o.subscription_id = :id"


def _count(connection: Connection, sql: str, subscription_id: str) -> dict[str, int]:
    return {str(key): int(count) for key, count in sorted(connection.rows(sql, {"id": subscription_id}))}
