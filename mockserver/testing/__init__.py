"""The harness: a server for your tests, a fresh workspace for each of them.

`MockServer` starts `mockserver serve` as a child process, which is how users run it; `MockWorkspace` is one API key
of it. The pytest fixtures are in `mockserver.testing.plugin`. Importing this costs nothing but the standard library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.testing.errors import ControlRefusedError, MockServerError, ServerDiedError
    from mockserver.testing.server import MockServer
    from mockserver.testing.workspace import MockWorkspace

__all__ = ["ControlRefusedError", "MockServer", "MockServerError", "MockWorkspace", "ServerDiedError"]

_HOMES = {
    "ControlRefusedError": "errors",
    "MockServerError": "errors",
    "ServerDiedError": "errors",
    "MockServer": "server",
    "MockWorkspace": "workspace",
}


def __getattr__(name: str) -> Any:
    """Loaded when used: pytest imports this package in every session, also in those that do not need it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
