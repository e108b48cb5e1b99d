"""Dates and date-times in the bodies of controls."""

from __future__ import annotations

from mockserver.errors import BadInput, StartupError
from mockserver.settings import parse_date, parse_moment


def check_date(text: str) -> None:
    """Raises BadInput."""
    try:
        parse_date(text, flag="payload_date")
    except StartupError as error:
        raise BadInput(str(error)) from None


def parse_body_moment(text: str, name: str) -> int:
    """Microseconds UTC. Raises BadInput."""
    try:
        return parse_moment(text, flag=name)
    except StartupError as error:
        raise BadInput(str(error)) from None
