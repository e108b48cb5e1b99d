"""A fault that a test has requested."""

from __future__ import annotations

from typing import Any, Self

from mockserver.testing.control import Control

__tracebackhide__ = True  # pytest: failures show the line of the test that called, and not this module


class Fault:
    """A requested fault."""

    def __init__(self, control: Control, api_key: str, state: dict[str, Any]) -> None:
        self._control, self._api_key = control, api_key
        self.id = str(state["id"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.remove()

    @property
    def hits(self) -> int:
        """How many calls it has hit."""
        return int(self._read()["hits"])

    @property
    def calls(self) -> int:
        """How many calls fitted its rule, hit or not."""
        return int(self._read()["calls"])

    def remove(self) -> None:
        """Removes it. It has to be there."""
        self._control.call("DELETE", f"faults/{self.id}", api_key=self._api_key)

    def _read(self) -> dict[str, Any]:
        state: dict[str, Any] = self._control.call("GET", f"faults/{self.id}", api_key=self._api_key)
        return state
