"""The switches of a workspace, for a test."""

from __future__ import annotations

from mockserver.testing.control import Control

__tracebackhide__ = True  # pytest: failures show the line of the test that called, and not this module


class Switches:
    """Switches between known forms of the service's behaviour (docs/control.md)."""

    def __init__(self, control: Control, api_key: str) -> None:
        self._control, self._api_key = control, api_key

    def set(self, **forms: str) -> dict[str, str]:
        """`set(frames="direct")`: sets switches, and returns the new state of all of them."""
        switches: dict[str, str] = self._control.call("POST", "switches", forms, api_key=self._api_key)
        return switches

    def get(self) -> dict[str, str]:
        """Returns all switches by name."""
        switches: dict[str, str] = self._control.call("GET", "switches", api_key=self._api_key)
        return switches
