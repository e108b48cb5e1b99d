"""The reasons why a line of an import is refused: the words of its entry in the status file."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from typing import Any

from mockserver.errors import nearest, quote

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_SHORT.maxlevel = 2


class LineProblem(Exception):
    """One annotation cannot be imported. `name` groups problems (names and words are inferred; their keys `name` and
    `message`: SDK annotation_import.py `statuses`)."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name, self.message = name, message


def refuse_value(path: str, received: Any, expected: str) -> LineProblem:
    """Returns the problem of a value that has the wrong shape, with the path of its key."""
    return LineProblem("MalformedAnnotation", f"{path} is {_SHORT.repr(received)}; expected {expected}")


def refuse_feature(path: str, received: str, known: Iterable[str], where: str) -> LineProblem:
    """Returns the problem of a feature that the ontology does not have, with the names nearest to it."""
    names = nearest(received, list(known)) or list(known)[:5]
    offered = f"; known there: {quote(names)}" if names else ""
    return LineProblem(
        "FeatureSchemaNotFound", f"{path} is {_SHORT.repr(received)}, which {where} does not have{offered}"
    )
