"""A client without the SDK, as cheap as Python allows: HTTP on a kept connection, bodies counted, not kept."""

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

BUFFER = 1024 * 1024


class RawClient:
    """One connection to one server."""

    def __init__(self, url: str, api_key: str = "") -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
        self._headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
        self._buffer = memoryview(bytearray(BUFFER))

    def post(self, body: str) -> bytes:
        """GraphQL, the answer still as text."""
        self._connection.request("POST", "/graphql", body.encode(), self._headers)
        response = self._connection.getresponse()
        content = response.read()
        assert response.status == 200, content
        return content

    def ask(self, document: str, variables: object) -> Any:
        answer = json.loads(self.post(json.dumps({"query": document, "variables": variables})))
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def download(self, url: str, copy: Path | None = None) -> tuple[int, int]:
        """(bytes, lines) of a file. With `copy` it is also kept there."""
        parts = urlsplit(url)
        self._connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        response = self._connection.getresponse()
        assert response.status == 200, f"{url} answered {response.status}"
        size = lines = 0
        kept = None if copy is None else copy.open("wb")
        while count := response.readinto(self._buffer):
            piece = self._buffer[:count]
            size += count
            lines += bytes(piece).count(b"\n")
            if kept is not None:
                kept.write(piece)
        if kept is not None:
            kept.close()
        return size, lines
