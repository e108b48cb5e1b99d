"""A bound socket, uvicorn on it, and the moments of its life: ready, told to stop, orphaned."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec
import uvicorn
from starlette.types import ASGIApp

from mockserver.errors import StartupError
from mockserver.serving.acceptor import Acceptor, connection_limit
from mockserver.serving.log import limit_lines
from mockserver.serving.protocol import Bounds, HttpProtocol
from mockserver.settings import process_exists

GRACE = 0.2
"""Seconds that open requests have to end when the server is told to stop."""
LOOK_AT_PARENT = 0.25
"""Seconds between two looks at the process of `--exit-with`."""
LOOK_AT_CONNECTIONS = 5
"""Tenths of a second between two looks for clients that take too long."""
TELL_LEFT_OUT = 10
"""Tenths of a second between two counts of the lines that were not logged."""
BOUNDS = Bounds()
EVERY_ANSWER = [("x-content-type-options", "nosniff")]
"""Browsers take a file for what we say it is, and for nothing else."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises StartupError when the port is taken or the host is not ours."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        # Named IPPROTO_TCP: asyncio sets TCP_NODELAY only then, and without it a keep-alive request takes 44 ms.
        bound = socket.socket(family, kind, socket.IPPROTO_TCP)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except UnicodeError:
        raise StartupError(f"--host is {host!r}, which is no host name; for example --host 127.0.0.1") from None
    except OSError as error:
        raise StartupError(_why_not_bound(host, port, error)) from None
    return bound


def _why_not_bound(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken by another program; give another --port, or --port 0 for any free one"
    if error.errno == errno.EACCES:
        return f"port {port} may not be used by this user; give a --port above 1023, or --port 0 for any free one"
    return f"cannot listen on {host}:{port}: {error.strerror or error}; check --host, for example --host 127.0.0.1"


def address_of(bound: socket.socket, host: str) -> str:
    """The URL under which this machine reaches the socket."""
    port = bound.getsockname()[1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104  compared, not bound
    return f"http://{shown}:{port}"


def is_local(bound: socket.socket) -> bool:
    """Whether only programs of this machine can reach the socket."""
    return ipaddress.ip_address(bound.getsockname()[0].partition("%")[0]).is_loopback


class Background(Protocol):
    """What works beside the application on its loop."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class _Uvicorn(uvicorn.Server):
    """Says when it is ready, leaves when its companion does, and looks after its connections."""

    def __init__(
        self,
        config: uvicorn.Config,
        background: Background,
        ready: Callable[[], None],
        companion: int | None,
        *,
        most_connections: int,
        bounds: Bounds,
    ) -> None:
        super().__init__(config)
        self._background, self._ready, self._companion = background, ready, companion
        self._most_connections, self._bounds = most_connections, bounds
        self._watching: asyncio.Task[None] | None = None
        self._acceptor: Acceptor | None = None
        self._log_limit = limit_lines()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])  # which would accept connections as asyncio does
        await super().on_tick(0)  # fields that every answer has are there before the first
        [bound] = sockets or []
        self._acceptor = Acceptor(bound, self._protocol, self._open, most=self._most_connections)
        self._acceptor.start()
        await self._background.start()
        if self._companion is not None:
            self._watching = asyncio.create_task(self._watch(self._companion))
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._acceptor is not None:
            self._acceptor.stop()
        await super().shutdown(sockets)
        await self._background.stop()
        self._log_limit.tell_left_out()

    async def on_tick(self, counter: int) -> bool:
        """uvicorn calls this ten times a second."""
        if counter % LOOK_AT_CONNECTIONS == 0:
            now = asyncio.get_running_loop().time()
            for protocol in list(self._open):
                protocol.end_what_is_overdue(now)
        if counter % TELL_LEFT_OUT == 0:
            self._log_limit.tell_left_out()
        return await super().on_tick(counter)

    @property
    def _open(self) -> set[HttpProtocol]:
        return self.server_state.connections  # type: ignore[return-value]  # all are made by `_protocol`

    def _protocol(self) -> HttpProtocol:
        return HttpProtocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state, bounds=self._bounds
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT end serving, not the process: uvicorn would raise them again before we have closed."""
        former = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    async def _watch(self, pid: int) -> None:
        while process_exists(pid):  # noqa: ASYNC110  the end of a process that is not our child cannot be awaited
            await asyncio.sleep(LOOK_AT_PARENT)
        self.should_exit = True


def serve(
    app: ASGIApp,
    bound: socket.socket,
    background: Background,
    *,
    ready: Callable[[], None],
    companion: int | None,
    most_connections: int | None = None,
    bounds: Bounds = BOUNDS,
) -> None:
    """Serve until SIGTERM, SIGINT, or the end of the companion process. One asyncio loop, httptools, no access log.

    `most_connections` may be open at once; None is half of the files that this process may have open. `bounds` hold
    for each of them. Raises StartupError when so many connections cannot be open.
    """
    limit = connection_limit(most_connections)
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=HttpProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        headers=EVERY_ANSWER,
        proxy_headers=False,  # or uvicorn believes whom FORWARDED_ALLOW_IPS names, often all in containers
        timeout_graceful_shutdown=GRACE,  # type: ignore[arg-type]  # declared int, used as seconds
    )
    # Exports are made in threads of this process. A small answer needs the interpreter four times, and each time waits
    # so long for the one that makes a piece just then; the default is 5 ms.
    sys.setswitchinterval(0.0003)
    uvicorn_ = _Uvicorn(config, background, ready, companion, most_connections=limit, bounds=bounds)
    uvicorn_.run(sockets=[bound])


def write_ready_file(path: Path, content: object) -> None:
    """Atomically: whoever sees the file sees all of it. Only this user may read it: keys stand in it.

    Raises StartupError.
    """
    half = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        half.unlink(missing_ok=True)
        with open(half, "xb", opener=_private) as file:
            file.write(msgspec.json.format(msgspec.json.encode(content), indent=2))
        half.replace(path)
    except OSError as error:
        raise StartupError(f"--ready-file {path}: {error.strerror}; give a path in a folder that exists") from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
