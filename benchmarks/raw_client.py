"""A client without the SDK, as cheap as Python allows: one kept HTTP connection; bodies are counted, not stored."""

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
        """Sends a GraphQL body; returns the answer's bytes."""
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
        """Downloads a file; returns its (bytes, lines). `copy`: where to store it."""
        parts = urlsplit(url)
        self._connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        response = self._connection.getresponse()
        assert response.status == 200, f"{url} answered {response.status}"
        size = lines = 0
        target = None if copy is None else copy.open("wb")
        while count := response.readinto(self._buffer):
            chunk = self._buffer[:count]
            size += count
            lines += bytes(chunk).count(b"\n")
            if target is not None:
                target.write(chunk)
        if target is not None:
            target.close()
        return size, lines
