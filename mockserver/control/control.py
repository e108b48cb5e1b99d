"""One control: a method of a path, with the handler that answers it."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request

from mockserver.control.bodies import Query

Handler = Callable[[Request, Any], Any]


class Control(msgspec.Struct, frozen=True):
    """One method of one path. What the handler takes and gives is read from its signature."""

    method: str
    path: str
    handler: Handler
    about_a_workspace: bool = True
    open: bool = False
    long: bool = False
    """Whether it may take seconds: it makes or copies whole worlds, or exports one."""
    most_body: int = 64 * 1024
    """Bytes."""

    @property
    def summary(self) -> str:
        return (self.handler.__doc__ or "").split("\n")[0]

    @property
    def takes(self) -> Any:
        """The struct of the body; NoneType without one."""
        return next((hint for name, hint in self._hints.items() if name.endswith("body")), type(None))

    @property
    def query(self) -> type[Query]:
        """The struct of the query parameters."""
        found: type[Query] = self._hints.get("query", Query)
        return found

    @property
    def gives(self) -> Any:
        return self._hints["return"]

    @property
    def _hints(self) -> dict[str, Any]:
        return typing.get_type_hints(self.handler)
