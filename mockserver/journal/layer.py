"""The ASGI layer that records each request with its answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.journal.entry import Entry, pack_headers
from mockserver.journal.journal import Journal, Journals
from mockserver.journal.notes import NOTES
from mockserver.serving.protocol import TRANSPORT

NOT_RECORDED = ("/_mock/", "/console/", "/docs/")
"""Paths that are never recorded: tests, probes and users of the page call them, not clients."""
HOME, FILES = "/", "/_files/"
FROM_THE_PAGE = (b"sec-fetch-site", b"same-origin")
"""The header with which browsers load a picture, clip or download that the page itself shows."""

Message = MutableMapping[str, Any]
FindJournal = Callable[[Scope], Journal | None]
"""Finds the journal of the workspace that a request belongs to."""


class JournalLayer:
    """Records every request outside the control API, and reports it to `listeners`."""

    def __init__(
        self, app: ASGIApp, journals: Journals, find: FindJournal, listeners: list[Callable[[Entry], None]]
    ) -> None:
        self._app, self._journals, self._find, self._listeners = app, journals, find, listeners

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if is_of_the_page(scope):
            await self._app(scope, receive, send)
            return
        recording = Recording(scope, receive, send, self._journals.most_body)
        try:
            await self._app(scope, recording.receive, recording.send)
        finally:
            entry = recording.end()
            (self._find(scope) or self._journals.unclaimed).add(entry)
            for listener in self._listeners:
                listener(entry)


def is_of_the_page(scope: Scope) -> bool:
    """Whether a user of the page or a test sent the request, and not a client."""
    path: str = scope["path"]
    if path.startswith(NOT_RECORDED) or (path == HOME and scope["method"] == "GET"):
        return True
    return path.startswith(FILES) and FROM_THE_PAGE in scope["headers"]


class Recording:
    """One request while it is answered."""

    __slots__ = ("_began", "_entry", "_most", "_receive", "_scope", "_send")

    def __init__(self, scope: Scope, receive: Receive, send: Send, most: int) -> None:
        """Keeps `most` bytes of each body."""
        self._scope, self._receive, self._send, self._most = scope, receive, send, most
        self._entry = scope[NOTES] = Entry()
        self._entry.started = time.time_ns() // 1000
        self._began = time.perf_counter()

    async def receive(self) -> Message:
        message = await self._receive()
        body = message.get("body")
        if body:
            entry = self._entry
            size = len(body)
            if not entry.request_bytes and size <= self._most:
                entry.request_body = body  # most bodies are one message: the entry shares it
            elif entry.request_bytes < self._most:
                entry.request_body += body[: self._most - entry.request_bytes]
            entry.request_bytes += size
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """Notes a message, and passes it on: a coroutine of its own would cost as much as the rest."""
        entry = self._entry
        if entry.status is None:
            entry.status = message["status"]
            entry.answer_headers = pack_headers(message.get("headers", ()))
            return self._send(message)
        body = message.get("body")
        if body:
            size = len(body)
            if not entry.answer_bytes and size <= self._most:
                # A copy: the text that orjson writes takes at least 4 kB, however short it is.
                entry.answer_body = bytes(memoryview(body))
            elif entry.answer_bytes < self._most:
                entry.answer_body += bytes(body[: self._most - entry.answer_bytes])
            entry.answer_bytes += size
        if not message.get("more_body"):
            transport = self._scope.get(TRANSPORT)
            entry.complete = transport is None or not transport.is_closing()
        return self._send(message)

    def end(self) -> Entry:
        """The entry, complete but for its number."""
        entry, scope = self._entry, self._scope
        entry.seconds = time.perf_counter() - self._began
        entry.method, entry.path, entry.query = scope["method"], scope["path"], scope["query_string"]
        entry.headers, entry.client = pack_headers(scope["headers"]), scope["client"]
        route = scope.get("route")
        if route is not None:
            entry.route = route.path
        entry.size = entry.measure()
        return entry
