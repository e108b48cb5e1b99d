"""A bound socket with uvicorn on it, and its lifecycle: ready, stopped by a signal, stopped with its parent."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

import msgspec
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import Server

from mockserver.errors import StartupError
from mockserver.processes import process_exists
from mockserver.serving.acceptor import Acceptor, connection_limit
from mockserver.serving.log import limit_lines
from mockserver.serving.protocol import HttpProtocol
from mockserver.serving.refusals import Bounds
from mockserver.serving.stopping import CutLayer

GRACE = 0.2
"""Seconds that open requests have to end when the server is told to stop."""
PARENT_INTERVAL = 0.25
"""Seconds between two checks of the process of `--exit-with`."""
CONNECTIONS_INTERVAL = 5
"""Tenths of a second between two searches for clients that take too long."""
LEFT_OUT_INTERVAL = 10
"""Tenths of a second between two counts of the lines that were left out of the log."""
BOUNDS = Bounds()
EVERY_ANSWER = [("x-content-type-options", "nosniff")]
"""Browsers take the Content-Type of a file as it is, and do not guess another."""


def bind(host: str, port: int) -> socket.socket:
    """Binds a socket to listen on. Raises StartupError when the port is taken or the host is not this machine's."""
    try:
        # As bytes: for a text Python imports its tables of all the world's letters, which a server has no use for.
        name = host.encode() if host.isascii() else host
        addresses = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, _, _, address = addresses[0]
        # Named IPPROTO_TCP: asyncio sets TCP_NODELAY only then, and without it a keep-alive request takes 44 ms.
        bound = socket.socket(family, kind, socket.IPPROTO_TCP)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except UnicodeError:
        raise StartupError(f"--host is {host!r}, which is no host name; for example --host 127.0.0.1") from None
    except OSError as error:
        raise StartupError(_describe_bind_error(host, port, error)) from None
    return bound


def _describe_bind_error(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken by another program; give another --port, or --port 0 for any free one"
    if error.errno == errno.EACCES:
        return f"port {port} may not be used by this user; give a --port above 1023, or --port 0 for any free one"
    return f"cannot listen on {host}:{port}: {error.strerror or error}; check --host, for example --host 127.0.0.1"


def address_of(bound: socket.socket, host: str) -> str:
    """Returns the URL under which this machine reaches the socket."""
    port = bound.getsockname()[1]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104  compared, not bound
    return f"http://{name}:{port}"


def internal_address_of(bound: socket.socket, host: str) -> str:
    """Returns the URL under which other servers reach the socket, as far as that can be known: by the name of this
    machine, if it listens on all addresses."""
    if ipaddress.ip_address(bound.getsockname()[0].partition("%")[0]).is_unspecified:
        return f"http://{socket.gethostname()}:{bound.getsockname()[1]}"
    return address_of(bound, host)


def is_local(bound: socket.socket) -> bool:
    """Whether only programs of this machine can reach the socket."""
    return ipaddress.ip_address(bound.getsockname()[0].partition("%")[0]).is_loopback


class Background(Protocol):
    """Work that is done on the loop of the application, beside it."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class _Uvicorn(Server):
    """Reports when it is ready, ends with its companion process, and ends overdue connections."""

    def __init__(
        self,
        config: Config,
        background: Sequence[Background],
        ready: Callable[[], None],
        companion: int | None,
        *,
        most_connections: int,
        bounds: Bounds,
        stopping: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._background, self._ready, self._companion = background, ready, companion
        self._stopping = stopping
        self._most_connections, self._bounds = most_connections, bounds
        self._watching: asyncio.Task[None] | None = None
        self._acceptor: Acceptor | None = None
        self._log_limit = limit_lines()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])  # with sockets it would accept connections as asyncio does
        await super().on_tick(0)  # sets the fields of every answer before the first one
        [bound] = sockets or []
        self._acceptor = Acceptor(bound, self._create_protocol, self._open, most=self._most_connections)
        self._acceptor.start()
        for work in self._background:
            await work.start()
        if self._companion is not None:
            self._watching = asyncio.create_task(self._watch(self._companion))
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping()
        if self._acceptor is not None:
            self._acceptor.stop()
        await super().shutdown(sockets)
        for work in self._background:
            await work.stop()
        self._log_limit.log_left_out()

    async def on_tick(self, counter: int) -> bool:
        """Ends overdue connections and counts lines left out of the log. uvicorn calls this ten times a second."""
        if counter % CONNECTIONS_INTERVAL == 0:
            now = asyncio.get_running_loop().time()
            for protocol in list(self._open):
                protocol.end_overdue(now)
        if counter % LEFT_OUT_INTERVAL == 0:
            self._log_limit.log_left_out()
        return await super().on_tick(counter)

    @property
    def _open(self) -> set[HttpProtocol]:
        return self.server_state.connections  # type: ignore[return-value]  # all are created by `_create_protocol`

    def _create_protocol(self) -> HttpProtocol:
        return HttpProtocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state, bounds=self._bounds
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ends serving, not the process, on SIGTERM and SIGINT: uvicorn would raise them again before all is closed."""
        former = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    async def _watch(self, pid: int) -> None:
        while process_exists(pid):  # noqa: ASYNC110  the end of a process that is no child of this one cannot be awaited
            await asyncio.sleep(PARENT_INTERVAL)
        self.should_exit = True


def serve(
    app: ASGIApp,
    bound: socket.socket,
    background: Sequence[Background],
    *,
    ready: Callable[[], None],
    companion: int | None,
    most_connections: int | None = None,
    bounds: Bounds = BOUNDS,
    stopping: Callable[[], None] = lambda: None,
) -> None:
    """Serves until SIGTERM, SIGINT, or the end of the companion process. One asyncio loop, httptools, no access log.

    `most_connections` may be open at the same time; None is half of the files that this process may have open. `bounds`
    are those of each connection. `stopping` is called when it is to end, once or more. Raises StartupError when so many
    connections cannot be open.
    """
    limit = connection_limit(most_connections)
    config = Config(
        CutLayer(app),
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
    # Exports are written in threads of this process. A small answer needs the interpreter four times, and each time
    # waits this long for a thread that writes a batch of rows; the default is 5 ms.
    sys.setswitchinterval(0.0003)
    uvicorn_ = _Uvicorn(config, background, ready, companion, most_connections=limit, bounds=bounds, stopping=stopping)
    uvicorn_.run(sockets=[bound])


def write_ready_file(path: Path, content: object) -> None:
    """Writes the file atomically, so that a reader sees all of it. Only this user may read it, as it contains keys.

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
