"""The client of the control API for tests: plain JSON, and the server's own message when it refuses a call."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from mockserver.testing.errors import ControlRefusedError, ServerDiedError

__tracebackhide__ = True  # pytest: failures show the line of the test that called, and not this module
TIMEOUT = 60
"""Seconds. A scenario that is served for the first time is generated within one call."""


class Control:
    """Calls `/_mock/…`. `describe_end` explains why a server does not answer."""

    def __init__(self, url: str, *, token: str | None = None, describe_end: Callable[[], str] = str) -> None:
        self._url, self._token, self._describe_end = url, token, describe_end

    def call(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """Returns the answer's JSON, or None for an empty one. Raises ControlRefusedError, ServerDiedError."""
        content = self.send(method, path, body, **query)
        return json.loads(content) if content else None

    def read_pages(self, path: str, query: Mapping[str, str], *, after: int | None = 0) -> Iterator[Any]:
        """Yields the pages of a list behind the entry `after`. Raises ControlRefusedError, ServerDiedError."""
        while after is not None:
            page = self.call("GET", f"{path}?{urlencode({**query, 'after': after})}")
            yield page
            after = page["next_after"]

    def send(self, method: str, path: str, body: Any = None, **query: str) -> bytes:
        """Returns the answer's bytes. Raises ControlRefusedError, ServerDiedError."""
        target = f"/_mock/{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Content-Type": "application/json", "Connection": "close"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        payload = None if body is None else json.dumps(body)
        try:
            status, content = self._exchange(method, target, payload, headers)
        except (OSError, http.client.HTTPException) as error:
            raise ServerDiedError(
                f"The mock server at {self._url} does not answer ({error}). {self._describe_end()}"
            ) from error
        if status >= 400:
            raise _build_error(method, target, status, content)
        return content

    def _exchange(self, method: str, target: str, payload: str | None, headers: dict[str, str]) -> tuple[int, bytes]:
        """Uses a connection of its own, so that a test has nothing to close."""
        parts = urlsplit(self._url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=TIMEOUT)
        try:
            connection.request(method, target, payload, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def leave_out_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a caller has given; the server chooses the others."""
    return {name: value for name, value in values.items() if value is not None}


def _build_error(method: str, target: str, status: int, content: bytes) -> ControlRefusedError:
    try:
        answer = json.loads(content)
        message, code = str(answer["message"]), str(answer.get("code", ""))
    except (ValueError, KeyError, TypeError):
        message, code = content[:500].decode("utf-8", "replace"), ""
    return ControlRefusedError(f"{method} {target}: {message}", status=status, code=code)
