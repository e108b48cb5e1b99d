"""Runs a Python client under its own interpreter, and speaks the protocol of docs/contract.md for it.

This file is started by its path, so it imports nothing but the standard library, as Python 3.8 has it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

PROTOCOL = 1
OPERATIONS = ("export_rows", "export_errors", "changed_since", "export_labels_v1", "frames")
Json = dict  # not subscripted here: Python 3.8 cannot


def main(target: str) -> None:
    """Answers until stdin ends. The client's own prints go to the error stream."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.path[0] = os.getcwd()  # noqa: PTH109  instead of this file's folder, whose modules would hide the client's
    driver = Driver(target, answers)
    for line in sys.stdin.buffer:
        driver.answer(json.loads(line))


class Driver:
    """One client at a time: `open` creates it, `close` ends it."""

    def __init__(self, target: str, answers: TextIO) -> None:
        self._target, self._answers = target, answers
        self._client: Any = None

    def answer(self, request: Json[str, Any]) -> None:
        try:
            self._perform(request["id"], request["op"], request.get("args", {}))
        except Exception as error:  # noqa: BLE001  whatever a client raises is its answer
            self._write(request["id"], error=describe_error(error))

    def _perform(self, number: int, operation: str, arguments: Json[str, Any]) -> None:
        if operation == "open":
            self._client = find_factory(self._target)(**arguments)
            self._write(number, protocol=PROTOCOL, offers=[name for name in OPERATIONS if self._offers(name)])
        elif operation == "close":
            client, self._client = self._client, None
            if hasattr(client, "close"):
                client.close()
            self._write(number, end=True)
        else:
            for item in check_iterable(operation, getattr(self._client, operation)(**arguments)):
                self._write(number, item=item)
            self._write(number, end=True)

    def _offers(self, name: str) -> bool:
        return callable(getattr(self._client, name, None))

    def _write(self, number: int, **answer: Any) -> None:
        line = json.dumps({"id": number, **answer})
        self._answers.write(line + "\n")
        self._answers.flush()


def find_factory(target: str) -> Any:
    """The class or function that `package.module:Client` names."""
    module, _, name = target.partition(":")
    value: Any = importlib.import_module(module)
    for part in name.split("."):
        value = getattr(value, part)
    return value


def check_iterable(operation: str, value: Any) -> Iterable[Any]:
    if isinstance(value, (str, bytes, dict)) or not hasattr(value, "__iter__"):
        raise TypeError(f"{operation} returned {type(value).__name__}; expected a list or an iterator of objects")
    items: Iterable[Any] = value
    return items


def describe_error(error: Exception) -> Json[str, str]:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return {"type": name, "message": str(error)[:4000]}


if __name__ == "__main__":
    main(sys.argv[1])
