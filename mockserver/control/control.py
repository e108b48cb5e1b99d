"""One control: a method of a path, with the handler that answers it."""

from __future__ import annotations

import typing
from collections.abc import Callable
from inspect import signature
from typing import Any

import msgspec
from starlette.requests import Request

from mockserver.control.bodies import Query

Handler = Callable[[Request, Any], Any]
NOTHING = type(None)


class Control(msgspec.Struct, frozen=True):
    """One method of one path. The types of its body, its query and its answer are those of the handler's signature."""

    method: str
    path: str
    get_handler: Callable[[], Handler]
    """Is called when the control is first needed: its handler may not be imported before."""
    about_a_workspace: bool = True
    open: bool = False
    long: bool = False
    """Whether it may take seconds: it creates, copies or exports whole worlds."""
    most_body: int = 64 * 1024
    """Bytes."""

    @property
    def handler(self) -> Handler:
        return self.get_handler()

    @property
    def summary(self) -> str:
        return (self.handler.__doc__ or "").split("\n")[0]

    @property
    def body(self) -> Any:
        """The struct of the request's body; NoneType without one."""
        return NOTHING if issubclass(self._argument, Query) else self._argument

    @property
    def query(self) -> type[Query]:
        """The struct of the query parameters."""
        return self._argument if issubclass(self._argument, Query) else Query

    @property
    def answer(self) -> Any:
        """The struct of the answer; NoneType without one, SpooledResponse for NDJSON, str for Prometheus."""
        return typing.get_type_hints(self.handler)["return"]

    @property
    def has_query(self) -> bool:
        """Whether the handler is called with the query parameters, and not with the body."""
        return issubclass(self._argument, Query)

    @property
    def _argument(self) -> type:
        """The type of the handler's second parameter. Raises TypeError when it is no struct and not None, so that no
        control is served whose body nobody checks."""
        names = list(signature(self.handler).parameters)
        kind = typing.get_type_hints(self.handler).get(names[-1])
        if len(names) != 2 or not (isinstance(kind, type) and (kind is NOTHING or issubclass(kind, msgspec.Struct))):
            raise TypeError(
                f"{self.handler.__qualname__}({', '.join(names)}) is no handler of a control; expected a request and "
                "one more parameter, annotated with the struct of the body or of the query, or with None"
            )
        return kind
