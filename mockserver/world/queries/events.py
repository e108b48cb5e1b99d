"""Events: those that were not sent, and the data row that the newest is about."""

from __future__ import annotations

from mockserver.world.clause import Clause
from mockserver.world.database import Connection


def find_last_touched_row(connection: Connection, project_id: str) -> int:
    """The number of the data row that the newest event of a project is about; 0 if no event is about one."""
    row = connection.row(
        "SELECT d.no FROM event e JOIN data_row d ON d.id = e.data_row_id"
        " WHERE e.project_id = :project AND e.data_row_id IS NOT NULL ORDER BY e.no DESC LIMIT 1",
        {"project": project_id},
    )
    return int(row[0]) if row else 0


def match_unsent_events(subscription_id: str) -> Clause:
    """The condition on events that a subscription has no delivery of them."""
    sql = "NOT EXISTS (SELECT 1 FROM outbox o WHERE o.event_no = event.no AND o.subscription_id = :id)"
    return Clause(sql, id=subscription_id)


def match_events_of_project(project_id: str) -> Clause:
    """The condition on events that they are about a project, one of its data rows, or nothing in particular."""
    sql = (
        "project_id = :id OR (project_id IS NULL AND (data_row_id IS NULL OR data_row_id IN (SELECT dr.id"
        " FROM project_row pr JOIN data_row dr ON dr.no = pr.data_row_no WHERE pr.project_id = :id)))"
    )
    return Clause(sql, id=project_id)


def count_since(connection: Connection, after: int) -> tuple[int, int | None]:
    """How many events there are after a number, and the number of the newest."""
    count, newest = connection.rows("SELECT COUNT(*), MAX(no) FROM event WHERE no > :after", {"after": after})[0]
    return count, newest
