"""How a test and a client's process talk: a JSON request on each line of stdin, a JSON answer on each line of stdout.

A request is `{"op": name, "args": {…}}`; an answer is what the operation returned, or
`{"error": {"type": "lbox.exceptions.AuthenticationError", "message": "…"}}`.

Imported by the runners in every environment, so it needs nothing but the standard library.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

Answer = dict[str, Any]


class ServiceError(Exception):
    """An error that a plain client received; its type is the service's own code, as nothing else names it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def converse(operations: Mapping[str, Callable[..., Answer]]) -> None:
    """Answer until stdin ends. What the client itself prints goes to stderr."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for line in sys.stdin:
        answers.write(json.dumps(answer(operations, json.loads(line))) + "\n")
        answers.flush()


def answer(operations: Mapping[str, Callable[..., Answer]], request: Answer) -> Answer:
    try:
        return operations[request["op"]](**request["args"])
    except Exception as error:  # noqa: BLE001 (whatever a client raises is its answer)
        return {"error": {"type": type_of(error), "message": str(error)}}


def type_of(error: Exception) -> str:
    if isinstance(error, ServiceError):
        return error.code
    return f"{type(error).__module__}.{type(error).__qualname__}"
