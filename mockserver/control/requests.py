"""The controls of the journal: which requests the workspace has received."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import msgspec
from starlette.requests import Request

from mockserver.control.bodies import Body, DateTime, Query
from mockserver.control.controls import Controls
from mockserver.control.moments import parse_body_moment
from mockserver.errors import RequestsDiffer
from mockserver.journal.comparison import Comparison
from mockserver.journal.entry import Entry
from mockserver.journal.journal import Journal
from mockserver.journal.selection import Pattern
from mockserver.journal.verification import MOST_EXPECTED, Expectation, find_differences, list_lines
from mockserver.journal.view import RecordedRequest, show_entry

MOST_REQUESTS = 1_000
MOST_BYTES = 4 * 1024 * 1024
"""Of the entries of one page: secrets are looked for in all of it."""


class RequestQuery(Query, frozen=True, kw_only=True):
    """The requests to list (docs/journal.md)."""

    operation: str | None = None
    path: str | None = None
    method: str | None = None
    status: int | None = None
    since: DateTime | None = None
    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    not_understood: bool = False
    unclaimed: bool = False
    order: Literal["oldest", "newest"] = "oldest"
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_REQUESTS)] = MOST_REQUESTS
    bodies: bool = True


class WhoseRequests(Query, frozen=True, kw_only=True):
    """Whether the requests of no workspace are meant."""

    unclaimed: bool = False


class RequestPage(msgspec.Struct, frozen=True):
    """Requests that match, and how many there are in all."""

    requests: list[RecordedRequest]
    count: int
    received: int
    dropped: int
    next_after: int | None


class VerifyRequests(Body, frozen=True, kw_only=True):
    """The requests that a client is expected to have sent."""

    expect: Annotated[list[Expectation], msgspec.Meta(min_length=1, max_length=MOST_EXPECTED)]
    in_order: bool = False
    only: bool = False


class Verified(msgspec.Struct, frozen=True):
    """Everything was as expected; `requests` were received."""

    matched: bool
    requests: int


class RequestControls:
    """One method for each control."""

    def __init__(self, controls: Controls, unclaimed: Journal) -> None:
        """`unclaimed` has the requests that belong to no workspace."""
        self._workspace, self._unclaimed = controls.workspace, unclaimed

    def list_requests(self, request: Request, query: RequestQuery) -> RequestPage:
        """Lists the requests of clients with their answers, and what of them was not understood."""
        journal = self._unclaimed if query.unclaimed else self._workspace(request).journal
        since = None if query.since is None else parse_body_moment(query.since, "since")
        pattern = Pattern(operation=query.operation, path=query.path, method=query.method, status=query.status)
        matching = [
            entry
            for entry in Comparison(journal.entries(), [pattern], journal.api_key).list_fitting(pattern)
            if entry.number > query.after
            and (since is None or entry.started >= since)
            and (not query.not_understood or entry.unknown)
        ]
        newest_first = query.order == "newest"
        page = list(cut_page((matching[::-1] if newest_first else matching)[: query.limit], bodies=query.bodies))
        more = len(matching) > len(page) and not newest_first
        return RequestPage(
            [show_entry(entry, journal.api_key, bodies=query.bodies) for entry in page],
            len(matching), journal.received, journal.dropped, page[-1].number if more else None,
        )  # fmt: skip

    def forget_requests(self, request: Request, query: WhoseRequests) -> None:
        """Forgets the requests of the workspace, and numbers the next one 1."""
        (self._unclaimed if query.unclaimed else self._workspace(request).journal).clear()

    def verify_requests(self, request: Request, body: VerifyRequests) -> Verified:
        """Compares the received requests with the expected ones; a refusal says what was received instead."""
        journal = self._workspace(request).journal
        entries = journal.entries()
        differences = find_differences(entries, body.expect, journal.api_key, in_order=body.in_order, only=body.only)
        if differences:
            received = list_lines(entries) if entries else " none"
            raise RequestsDiffer(f"{'; '.join(differences)}. The requests that were received:{received}")
        return Verified(matched=True, requests=len(entries))


def cut_page(entries: Iterable[Entry], *, bodies: bool) -> Iterator[Entry]:
    """The first entries that together are not larger than a page may be, and at least one."""
    size = 0
    for entry in entries:
        growth = entry.size if bodies else entry.size - len(entry.request_body) - len(entry.answer_body)
        size += growth
        if growth < size > MOST_BYTES:
            return
        yield entry
