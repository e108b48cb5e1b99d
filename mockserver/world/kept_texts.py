"""The sentences that refuse a text which no state keeps, whatever the error is that they are sent in.

PostgreSQL keeps no text with the character NUL, so a state folder keeps none either.
"""

from __future__ import annotations


def describe_nul(name: str, text: str) -> str:
    """Says that the text with this name has the character NUL."""
    return f"{name} is {text[:100]!r}; expected a text without the character NUL"


def describe_length(name: str, text: str, most: int) -> str:
    """Says that the text with this name is too long."""
    return f"{name} has {len(text):,} characters; at most {most:,} are kept"
