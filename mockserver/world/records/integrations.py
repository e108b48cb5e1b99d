"""Accesses of the organization to clouds in which the files of its datasets are (SDK iam_integration.py)."""

from __future__ import annotations

from typing import ClassVar

from mockserver.world.record import JsonText, Record


class IamIntegration(Record, frozen=True):
    """`settings` is a JSON object with the keys of its provider. Nothing is ever fetched from a cloud, so an
    integration is valid as long as its settings have the form that the provider requires (inferred)."""

    TABLE: ClassVar[str] = "iam_integration"
    NOUN: ClassVar[str] = "IAM integration"
    id: str
    name: str
    provider: str
    settings: JsonText
    is_org_default: bool
    last_valid_at: int | None
    """None: it is not valid."""
    created_at: int
    updated_at: int
