"""The limits on exports that run at the same time."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import NamedTuple

from mockserver.errors import Conflict
from mockserver.exports.request import ExportRequest


class Limits(NamedTuple):
    """The most running exports of one project, and of the organization."""

    project: int
    organization: int


TODAY = Limits(10, 20)
"""docs/limits."""
AT_FIRST = Limits(1, 20)
"""Seed: introducing-export-v2, "one export asynchronous task on a project at a time"; for the organization as today."""
FIRST_YEAR_ENDED = datetime.date(2024, 1, 1)
"""The day of the change is unknown (inferred)."""


def get_limits(payload_date: str | None) -> Limits:
    """The limits on the day whose payloads are served (`YYYY-MM-DD`); None is today."""
    early = payload_date is not None and datetime.date.fromisoformat(payload_date) < FIRST_YEAR_ENDED
    return AT_FIRST if early else TODAY


def check_limits(running: Sequence[ExportRequest], request: ExportRequest, allowed: Limits) -> None:
    """Raises Conflict if no further export may run (its code is inferred: clients surface it cleanly)."""
    if len(running) >= allowed.organization:
        raise Conflict(
            f"{len(running)} exports of this organization run; at most {allowed.organization} may run at the same "
            "time: wait for one to end, or cancel one"
        )
    in_project = sum(other.project_id == request.project_id for other in running)
    if request.project_id is not None and in_project >= allowed.project:
        raise Conflict(
            f"{in_project} {'exports' if in_project > 1 else 'export'} of project {request.project_id!r} "
            f"{'run' if in_project > 1 else 'runs'}; at most {allowed.project} may run at the same time: "
            "wait for one to end, or cancel one"
        )
