"""The exceptions of the harness."""

from __future__ import annotations


class MockServerError(Exception):
    """Base of all exceptions of the harness."""


class ServerDiedError(MockServerError):
    """The server did not start, or has ended; the message contains its output."""


class ControlRefusedError(MockServerError):
    """The control API refused a call; the message is the server's. `status` and `code` are those of its answer."""

    def __init__(self, message: str, *, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
