"""What the harness tells a test's author."""

from __future__ import annotations


class MockServerError(Exception):
    """Base of what the harness raises."""


class ServerDiedError(MockServerError):
    """The server did not start, or is gone; the message carries what it wrote."""


class ControlRefusedError(MockServerError):
    """The control API refused; the message is the server's own."""

    def __init__(self, message: str, *, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
