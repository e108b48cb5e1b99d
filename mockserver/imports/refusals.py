"""Refusing one item of an import, which keeps no other back."""

from __future__ import annotations

from mockserver.errors import MockserverError


class ItemRefused(MockserverError):
    """An item that cannot be imported; the message says why."""


class ContentRefused(ItemRefused):
    """An item whose content is not of its media type."""

    def __init__(self, expected: str, detected: str) -> None:
        super().__init__(f"Expected type {expected}, detected: {detected}")
        self.expected, self.detected = expected, detected
