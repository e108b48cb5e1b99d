"""Bodies of any size that are written before they are sent: short ones in memory, others in a temporary file."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from starlette.types import Receive, Scope, Send

from mockserver.http.ranged import content_length
from mockserver.world.machine_failures import name_faults

IN_MEMORY = 4 * 1024 * 1024
"""Bytes of a body that is kept in memory."""
CHUNK = 128 * 1024
"""Bytes that are sent at a time."""


class SpooledBody:
    """A body that is complete. Its file has no name, and is gone with the process."""

    def __init__(self, texts: Iterable[bytes]) -> None:
        """Writes the body. Raises ResourceFailed, which names the folder of temporary files."""
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  closed when it is sent
        try:
            with name_faults(Path(tempfile.gettempdir())):
                for text in texts:
                    self._file.write(text)
                self.size = self._file.tell()
                self._file.seek(0)
        except BaseException:
            self._file.close()
            raise

    def read(self, most: int) -> bytes:
        """Returns the next bytes; none at the end."""
        return self._file.read(most)

    def close(self) -> None:
        self._file.close()


class SpooledResponse:
    """An ASGI application that sends such a body once."""

    def __init__(self, body: SpooledBody, content_type: str) -> None:
        self._body, self._content_type = body, content_type

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", self._content_type.encode()), content_length(self._body.size)]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            while chunk := self._body.read(CHUNK):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                # send() does not suspend while the client keeps up: without this others wait for the whole body.
                await asyncio.sleep(0)
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._body.close()
