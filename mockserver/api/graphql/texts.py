"""How long a text may be that a client gives to be kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.errors import BadInput
from mockserver.world.kept_texts import describe_length, describe_nul

MOST_TEXT = 10_000
"""Characters of a name, a description or a URL: lists repeat them, so their length bounds that of an answer."""


def check_texts(data: Mapping[str, Any]) -> None:
    """Raises BadInput for a text that is too long, or has the character NUL, which PostgreSQL does not keep."""
    for name, value in data.items():
        if isinstance(value, str) and len(value) > MOST_TEXT:
            raise BadInput(describe_length(name, value, MOST_TEXT))
        if isinstance(value, str) and "\0" in value:
            raise BadInput(describe_nul(name, value))
