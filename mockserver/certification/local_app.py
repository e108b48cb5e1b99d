"""Serves an ASGI or WSGI application for a certification, on a free port that only this machine reaches."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from mockserver.errors import StartupError

STARTED_WITHIN = 30.0
"""Seconds."""


@contextmanager
def serve_app(app: Any, path: str = "/") -> Iterator[str]:
    """Yields the URL of `path`. Raises StartupError for what is no application, or does not start."""
    check_app(app)
    with (_serve_asgi if is_asgi(app) else _serve_wsgi)(app) as address:
        yield f"{address}/{path.removeprefix('/')}"


def check_app(app: Any) -> None:
    """Raises StartupError for what cannot be called."""
    if not callable(app):
        raise StartupError(f"{app!r} is no application; expected an ASGI or WSGI application, like that of Flask()")


def is_asgi(app: Any) -> bool:
    """Whether it is an asynchronous callable of three arguments; WSGI applications take two."""
    call = app if inspect.isroutine(app) else app.__call__
    if inspect.iscoroutinefunction(call):
        return True
    try:
        parameters = [p for p in inspect.signature(call).parameters.values() if p.default is p.empty]
    except (TypeError, ValueError):
        return False
    return len(parameters) == 3


def load_app(name: str) -> Any:
    """Imports `module:attribute` from the current folder or the environment. Raises StartupError."""
    module, colon, attribute = name.partition(":")
    if not colon or not module:
        raise StartupError(f"--app is {name!r}; expected MODULE:ATTRIBUTE, for example receiver:app")
    sys.path.insert(0, str(Path.cwd()))
    try:
        imported = importlib.import_module(module)
    except Exception as error:  # noqa: BLE001  the user's module may raise anything
        raise StartupError(f"--app {name}: {module} cannot be imported: {type(error).__name__}: {error}") from None
    if not hasattr(imported, attribute):
        names = ", ".join(sorted(key for key in vars(imported) if callable(getattr(imported, key)) and key[0] != "_"))
        raise StartupError(
            f"--app {name}: {module} has no {attribute!r}; it has {names or 'nothing that can be called'}"
        )
    return getattr(imported, attribute)


class _ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: clients that break off are part of a certification."""


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name of the library
        """Says nothing about single requests."""


@contextmanager
def _serve_wsgi(app: Callable[..., Any]) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, server_class=_ThreadingServer, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def _serve_asgi(app: Callable[..., Any]) -> Iterator[str]:
    """Runs the application with its lifespan, as its own server would."""
    import uvicorn  # noqa: PLC0415  WSGI applications need none

    bound = socket.create_server(("127.0.0.1", 0), backlog=128)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="auto", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    started = threading.Event()

    async def run() -> None:
        serving = asyncio.create_task(server.serve(sockets=[bound]))
        while not (server.started or serving.done()):  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(0.005)
        started.set()
        await serving

    def run_thread() -> None:
        try:
            asyncio.run(run())
        except SystemExit:  # uvicorn's way to say that the lifespan failed
            pass
        finally:
            started.set()

    thread = threading.Thread(target=run_thread, daemon=True)
    thread.start()
    started.wait(STARTED_WITHIN)
    try:
        if not server.started:
            raise StartupError(f"{app!r} did not start within {STARTED_WITHIN:.0f} s, or failed; its log says why")
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        bound.close()
