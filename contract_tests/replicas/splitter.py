"""A TCP balancer for tests: it gives each connection to the next of its backends, and can cut, hold and check them."""

import asyncio
import contextlib
import itertools
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Any, Self, TypeVar

T = TypeVar("T")
CHUNK = 65536
CHECK_INTERVAL = 0.5
CHECK_TIMEOUT = 2.0
CONNECT_TIMEOUT = 5.0
CHECK = b"GET /_mock/health HTTP/1.1\r\nHost: balancer\r\nConnection: close\r\n\r\n"

Backend = tuple[str, int] | str
"""Host and port, or the path of a unix socket."""
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Splitter:
    """To be used as a context manager. It listens on a free port of this machine, and works in a thread of its own.

    A backend that refuses a connection is passed over. With `checked`, so is one whose health is not 200, as balancers
    do it; the connections of one that has become unhealthy are closed.
    """

    def __init__(
        self,
        backends: Sequence[Backend],
        *,
        checked: bool = False,
        is_last: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        """A connection ends after a chunk of its client for which `is_last` is true has been passed on."""
        self.backends, self._checked, self._is_last = tuple(backends), checked, is_last
        self._turns = itertools.count()
        self._unhealthy: set[Backend] = set()
        self._open: dict[asyncio.StreamWriter, Backend] = {}
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._loop = asyncio.new_event_loop()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._thread = threading.Thread(target=self._loop.run_forever, name="splitter", daemon=True)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._thread.ident is None or self._loop.is_closed():
            self._listener.close()
            return
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> int:
        """Resets all open connections, in both directions. Returns how many there were."""
        return self._call(self._cut(lambda _: True))

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Passes nothing on during the block, and ends no connection, as a network that loses all packets."""
        self._loop.call_soon_threadsafe(self._flowing.clear)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._flowing.set)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._listener)
        self._checks = [asyncio.create_task(self._watch(backend)) for backend in self.backends if self._checked]

    async def _stop(self) -> None:
        self._server.close()
        for check in self._checks:
            check.cancel()
        self._flowing.set()
        await self._cut(lambda _: True)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _cut(self, chosen: Callable[[Backend], bool]) -> int:
        writers = [writer for writer, backend in self._open.items() if chosen(backend)]
        for writer in writers:
            reset(writer)
        return len(writers)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._flowing.wait()
        connected = await self._connect()
        if connected is None:
            reset(writer)
            return
        backend, (answers, requests) = connected
        for end in (writer, requests):
            self._open[end] = backend
        try:
            await asyncio.gather(self._pass_on(reader, requests, self._is_last), self._pass_on(answers, writer))
        except (OSError, asyncio.CancelledError):  # cancelled when the splitter ends
            reset(writer)
            reset(requests)
        finally:
            for end in (writer, requests):
                self._open.pop(end, None)
                end.close()

    async def _connect(self) -> tuple[Backend, Streams] | None:
        """Connects to the next backend that accepts it, a healthy one if there is one."""
        start = next(self._turns)
        turns = [self.backends[(start + offset) % len(self.backends)] for offset in range(len(self.backends))]
        for backend in sorted(turns, key=lambda backend: backend in self._unhealthy):
            with contextlib.suppress(OSError):
                return backend, await open_backend(backend)
        return None

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        is_last: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        """Copies until the end, and passes the end on: each direction ends by itself. Raises OSError after the last
        chunk."""
        while chunk := await reader.read(CHUNK):
            await self._flowing.wait()
            writer.write(chunk)
            await writer.drain()
            if is_last(chunk):
                raise ConnectionAbortedError
        with contextlib.suppress(OSError):  # the other side has closed both directions
            writer.write_eof()

    async def _watch(self, backend: Backend) -> None:
        while True:
            if await is_healthy(backend):
                self._unhealthy.discard(backend)
            elif backend not in self._unhealthy:
                self._unhealthy.add(backend)
                await self._cut(lambda other: other == backend)
            await asyncio.sleep(CHECK_INTERVAL)


async def is_healthy(backend: Backend) -> bool:
    """Whether its health is 200, answered within CHECK_TIMEOUT."""
    with contextlib.suppress(OSError):
        async with asyncio.timeout(CHECK_TIMEOUT):
            reader, writer = await open_backend(backend)
            try:
                writer.write(CHECK)
                return (await reader.readline()).split()[1:2] == [b"200"]
            finally:
                writer.close()
    return False


def open_backend(backend: Backend) -> Awaitable[Streams]:
    """Opens a connection. Raises OSError, also when nobody answers within CONNECT_TIMEOUT."""
    if isinstance(backend, str):
        return asyncio.wait_for(asyncio.open_unix_connection(backend), CONNECT_TIMEOUT)
    return asyncio.wait_for(asyncio.open_connection(*backend), CONNECT_TIMEOUT)


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection by RST, so that the other side does not take it for a planned end."""
    with contextlib.suppress(OSError):
        if (connection := writer.get_extra_info("socket")) is not None and connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
