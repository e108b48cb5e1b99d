"""A kind of fault: what it does to a call, and at which stage of it."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from mockserver.faults.call import FaultyCall


class Stage(enum.Enum):
    """The stage of a call at which a fault acts."""

    ANSWER = "the answer"
    """It takes the place of the answer, before or after the request was carried out."""
    BODY = "the body"
    """It changes the answer while it is sent; the request was carried out."""
    EXPORT = "the export"
    """It changes how an export is written, and hits exports, not calls."""


Act = Callable[[FaultyCall], Awaitable[None]]


class Kind(msgspec.Struct, frozen=True):
    """One row of the table of faults.

    `act` answers a call; None at the stage of the export. `options` are the fields that the kind takes, with their
    defaults; one without a default is required. `times` is how many calls it hits unless the rule says; None is every.
    """

    summary: str
    stage: Stage
    act: Act | None = None
    options: dict[str, Any] = {}
    times: int | None = 1
