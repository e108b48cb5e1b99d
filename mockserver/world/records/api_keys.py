"""API keys that users created beside the one that names the workspace (SDK api_key.py)."""

from __future__ import annotations

from typing import ClassVar

from mockserver.world.record import JsonText, Record


class ApiKey(Record, frozen=True):
    """A key of one life of a workspace. Its text is sent once, when it is created, and not kept."""

    TABLE: ClassVar[str] = "api_key"
    NOUN: ClassVar[str] = "API key"
    id: str
    name: str
    user_id: str
    role_id: str
    created_by: str
    allowed_ip_cidrs: JsonText
    """A list of addresses and networks from which it may be used; empty is every address."""
    expires_at: int
    revoked: bool
    created_at: int
    updated_at: int
