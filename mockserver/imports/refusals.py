"""Refusing one item of an import, which keeps no other back."""

from __future__ import annotations

from mockserver.errors import MockserverError


class ItemRefused(MockserverError):
    """An item that cannot be imported; the message says why."""
