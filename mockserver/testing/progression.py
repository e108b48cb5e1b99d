"""How long the asynchronous tasks of a workspace take, for a test."""

from __future__ import annotations

from typing import Literal

from mockserver.testing.control import Control

Pace = Literal["at_once"] | dict[str, float]
"""`"at_once"`, `{"looks": n}` or `{"seconds": t}`."""

__tracebackhide__ = True  # pytest: failures show the line of the test that called, and not this module


class Progression:
    """The progression of asynchronous tasks. A change applies to tasks that start afterwards.

    A `Pace` is `"at_once"`, `{"looks": n}` (finished at the nth poll) or `{"seconds": t}` of the workspace's clock.
    """

    def __init__(self, control: Control, api_key: str) -> None:
        self._control, self._api_key = control, api_key

    def set(self, **paces: Pace) -> None:
        """`set(exports={"looks": 2})`."""
        self._control.call("POST", "progression", paces, api_key=self._api_key)

    @property
    def exports(self) -> Pace:
        return self._get("exports")

    @exports.setter
    def exports(self, pace: Pace) -> None:
        self.set(exports=pace)

    @property
    def imports(self) -> Pace:
        return self._get("imports")

    @imports.setter
    def imports(self, pace: Pace) -> None:
        self.set(imports=pace)

    @property
    def processing(self) -> Pace:
        return self._get("processing")

    @processing.setter
    def processing(self, pace: Pace) -> None:
        self.set(processing=pace)

    def _get(self, name: str) -> Pace:
        pace: Pace = self._control.call("GET", "progression", api_key=self._api_key)[name]
        return pace
