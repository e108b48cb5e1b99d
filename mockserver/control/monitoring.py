"""The facts about a running server that its controls report: the requests it answered, and what it needs elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockserver.journal.notes import NOTES

FindFailure = Callable[[], str | None]
"""Tries a resource outside of the server, and returns the reason why it cannot be used now; None if it can."""

GRAPHQL = "graphql"
CLASSES = (
    ("/graphql", GRAPHQL), ("/_gql", GRAPHQL), ("/api/graphql", GRAPHQL), ("/api/_gql", GRAPHQL),
    ("/_mock/", "control"), ("/api/v1/frames/", "frames"), ("/v1/frames/", "frames"), ("/api/v1/", "rest"),
    ("/masks/", "masks"), ("/adv/", "embeddings"), ("/console/", "page"), ("/docs/", "page"),
)  # fmt: skip
"""The beginnings of paths, and the class of the requests to them; the first that fits counts."""
FILES = "/_files/"
RESULTS = ("/results/", "/exports/")


class RequestCounts:
    """How many requests were answered, by class and status, and how long that took. Both have few values."""

    def __init__(self) -> None:
        self.since = time.time()
        self.answered: Counter[tuple[str, str]] = Counter()
        self.seconds: Counter[str] = Counter()

    def add(self, kind: str, status: int, seconds: float) -> None:
        """Counts one request. Its status is 0 if it had no answer."""
        self.answered[kind, f"{status // 100}xx" if status else "none"] += 1
        self.seconds[kind] += seconds  # type: ignore[assignment]  # typeshed has counters of integers only


class Monitoring(NamedTuple):
    """`resources` are tried by the health check."""

    requests: RequestCounts
    resources: Sequence[FindFailure] = ()


class CountLayer:
    """Counts every request."""

    def __init__(self, app: ASGIApp, counts: RequestCounts) -> None:
        self._app, self._counts = app, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, began = 0, time.perf_counter()

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            self._counts.add(classify(scope), status, time.perf_counter() - began)


def classify(scope: Scope) -> str:
    """The class of a request: of a GraphQL request whose document was read `query` or `mutation`."""
    path: str = scope["path"]
    if path.startswith(FILES):
        return "results" if any(part in path for part in RESULTS) else "files"
    kind = next((kind for start, kind in CLASSES if path.startswith(start)), "page" if path == "/" else "other")
    if kind != GRAPHQL:
        return kind
    notes = scope.get(NOTES)
    return kind if notes is None or notes.operation is None else str(notes.operation.type)
