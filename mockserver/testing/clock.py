"""The clock of a workspace, for a test."""

from __future__ import annotations

from typing import Any

from mockserver.testing.control import Control

__tracebackhide__ = True  # pytest: failures show the line of the test that called, and not this module


class Clock:
    """The workspace's clock."""

    def __init__(self, control: Control, api_key: str) -> None:
        self._control, self._api_key = control, api_key

    @property
    def now(self) -> str:
        """ISO 8601 with milliseconds, UTC."""
        return str(self._control.call("GET", "clock", api_key=self._api_key)["now"])

    @property
    def frozen(self) -> bool:
        """Whether it moves only when it is moved."""
        return bool(self._control.call("GET", "clock", api_key=self._api_key)["frozen"])

    def set(self, moment: str) -> str:
        """Sets the clock to an ISO timestamp, and returns its new time."""
        return self._move({"set": moment})

    def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> str:
        """Moves the clock forward without waiting, and returns its new time."""
        return self._move({"advance": seconds + 60 * minutes + 3600 * hours + 86_400 * days})

    def freeze(self) -> str:
        """Stops the clock, and returns its time."""
        return self._move({"freeze": True})

    def thaw(self) -> str:
        """Lets the clock run again, and returns its time."""
        return self._move({"freeze": False})

    def _move(self, body: dict[str, Any]) -> str:
        return str(self._control.call("POST", "clock", body, api_key=self._api_key)["now"])
