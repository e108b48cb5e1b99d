"""The harness: a server for your tests, and a fresh workspace for each of them.

`MockServer` starts `mockserver serve` as a child process, as users run it; `MockWorkspace` is one of its API keys. The
pytest fixtures are in `labelbox_mockserver.pytest_plugin`. This package imports only the standard library at first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.testing.errors import ControlRefusedError, MockServerError, ServerDiedError
    from mockserver.testing.server import MockServer
    from mockserver.testing.workspace import MockWorkspace

__all__ = ["ControlRefusedError", "MockServer", "MockServerError", "MockWorkspace", "ServerDiedError"]

_MODULES = {
    "ControlRefusedError": "errors",
    "MockServerError": "errors",
    "ServerDiedError": "errors",
    "MockServer": "server",
    "MockWorkspace": "workspace",
}


def __getattr__(name: str) -> Any:
    """Imports a name when it is used: pytest imports this package in every session, also where no test uses it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
