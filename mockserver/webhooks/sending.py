"""One HTTP request over asyncio streams: pooled keep-alive connections, TLS, limits, timings, and any misbehaviour.

It never raises for what a receiver does: everything that can happen is an `Exchange`. Headers, declared length and
pace are the caller's, so that broken requests go out by the same way as whole ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import struct
import time
from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

import httptools
import msgspec

from mockserver.errors import BadInput
from mockserver.webhooks.targets import Allowed, Target, target_of

ANSWER_KEPT = 4096
"""Bytes of an answer's body that are kept."""
ANSWER_READ = 1024 * 1024
"""Bytes of an answer that are read before the rest is left alone."""
IDLE_KEPT = 64
"""Connections to one receiver that wait for the next request."""
IDLE_SECONDS = 4.0
"""How long they wait: less than receivers' common five seconds, so that few die under a request."""
TIMEOUT = 15.0
"""Seconds for a whole exchange: the lower end of what Standard Webhooks 1.0 advises."""


class Failure(StrEnum):
    """Why there is no answer."""

    NO_URL = "no url"
    """Nothing can be sent to such a URL; the service's GraphQL takes any text for one."""
    NOT_ALLOWED = "not allowed"
    """The address is a public one that nobody named."""
    NOT_FOUND = "not found"
    """The host's name does not resolve."""
    NOT_CONNECTED = "not connected"
    """Nobody listens there, or the network does not lead there."""
    TLS = "tls"
    TIMEOUT = "timeout"
    RESET = "reset"
    """The connection ended before the answer did."""
    NOT_HTTP = "not http"
    CUT = "cut"
    """We ended it ourselves, as the request's `cut` said."""


class Pace(msgspec.Struct, frozen=True):
    """The body in pieces of `size` bytes with `seconds` between them."""

    size: int
    seconds: float


class Cut(msgspec.Struct, frozen=True):
    """End the connection after so many bytes of the body: by FIN or by RST."""

    after: int
    how: Literal["close", "reset"]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """`headers` go out in their order and spelling; Host and Content-Length are added unless they are among them.

    `declared_length` stands in Content-Length instead of the body's own.
    """

    url: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    method: str = "POST"
    declared_length: int | None = None
    pace: Pace | None = None
    cut: Cut | None = None
    timeout: float = TIMEOUT


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one request. `answer` is cut at ANSWER_KEPT bytes, `answer_size` is what was read of it."""

    status: int | None = None
    headers: list[tuple[str, str]] = []
    answer: bytes = b""
    answer_size: int = 0
    failure: Failure | None = None
    reason: str = ""
    seconds: float = 0.0

    @property
    def succeeded(self) -> bool:
        """2xx and nothing else: a redirect is not followed, and is no success."""
        return self.status is not None and 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


class _Failed(Exception):
    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.failure, self.reason = failure, reason


class Sender:
    """Sends requests and keeps connections. Belongs to one event loop."""

    def __init__(self, allowed: Allowed | None = None, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._allowed, self._idle_seconds = allowed or Allowed(), idle_seconds
        self._idle: defaultdict[tuple[bool, str, int], list[_Connection]] = defaultdict(list)
        self._trusted: ssl.SSLContext | None = None
        self._reaper: asyncio.TimerHandle | None = None

    async def send(self, request: Request) -> Exchange:
        """Whatever comes of it; raises nothing but what cancels the task."""
        began = time.perf_counter()
        try:
            target = target_of(request.url)
            async with asyncio.timeout(request.timeout):
                made = await self._exchange(target, request)
        except _Failed as error:
            made = Exchange(failure=error.failure, reason=error.reason)
        except BadInput as error:
            made = Exchange(failure=Failure.NO_URL, reason=error.message)
        except TimeoutError:
            made = Exchange(failure=Failure.TIMEOUT, reason=f"no answer within {request.timeout:g} seconds")
        return msgspec.structs.replace(made, seconds=round(time.perf_counter() - began, 6))

    async def close(self) -> None:
        if self._reaper is not None:
            self._reaper.cancel()
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    async def _exchange(self, target: Target, request: Request) -> Exchange:
        """By a kept connection if there is one; where that died meanwhile, by a new one."""
        key = (target.secure, target.host, target.port)
        kept = self._take(key)
        if kept is not None:
            try:
                return await self._by(kept, key, target, request)
            except _Failed as error:
                if error.failure != Failure.RESET or kept.answering:
                    raise
        return await self._by(await self._connect(target), key, target, request)

    def _take(self, key: tuple[bool, str, int]) -> _Connection | None:
        idle = self._idle[key]
        while idle:
            connection = idle.pop()
            if connection.usable(time.monotonic() - self._idle_seconds):
                return connection
            connection.close()
        return None

    def _keep(self, key: tuple[bool, str, int], connection: _Connection) -> None:
        connection.rest()
        self._idle[key].append(connection)
        if self._reaper is None:
            self._reaper = asyncio.get_running_loop().call_later(self._idle_seconds, self._reap)

    def _reap(self) -> None:
        """Close what waited in vain: receivers come and go, and each would leave its connections behind."""
        since = time.monotonic() - self._idle_seconds
        for key, connections in list(self._idle.items()):
            for connection in connections:
                if not connection.usable(since):
                    connection.close()
            self._idle[key] = [connection for connection in connections if connection.usable(since)]
            if not self._idle[key]:
                del self._idle[key]
        self._reaper = asyncio.get_running_loop().call_later(self._idle_seconds, self._reap) if self._idle else None

    @property
    def idle(self) -> int:
        """How many connections wait for a next request."""
        return sum(map(len, self._idle.values()))

    async def _by(
        self, connection: _Connection, key: tuple[bool, str, int], target: Target, request: Request
    ) -> Exchange:
        keep = False
        try:
            exchange = await connection.exchange(target, request)
            keep = connection.reusable and len(self._idle[key]) < IDLE_KEPT
        except (ConnectionError, ssl.SSLError) as error:
            raise _Failed(Failure.RESET, f"the connection ended: {error}") from None
        except httptools.HttpParserError as error:
            raise _Failed(Failure.NOT_HTTP, f"the answer is not HTTP/1.1: {error}") from None
        finally:
            if keep:
                self._keep(key, connection)
            else:
                connection.close()
        return exchange

    async def _connect(self, target: Target) -> _Connection:
        addresses = await _addresses(target)
        for address in addresses:  # all before the first: one name must not lead to two places
            if refusal := self._allowed.refusal(target.host, address):
                raise _Failed(Failure.NOT_ALLOWED, refusal)
        failed = ""
        for address in addresses:
            try:
                reader, writer = await asyncio.open_connection(
                    address,
                    target.port,
                    ssl=self._tls() if target.secure else None,
                    server_hostname=target.host if target.secure else None,
                )
            except ssl.SSLError as error:
                raise _Failed(Failure.TLS, f"no TLS with {target.host}: {error}") from None
            except OSError as error:
                failed = error.strerror or str(error)
            else:
                return _Connection(reader, writer)
        raise _Failed(Failure.NOT_CONNECTED, f"nobody answers at {target.host}:{target.port}: {failed}")

    def _tls(self) -> ssl.SSLContext:
        """Certificates are checked; SSL_CERT_FILE names further authorities, as for any OpenSSL program."""
        if self._trusted is None:
            self._trusted = ssl.create_default_context()
        return self._trusted


async def _addresses(target: Target) -> list[str]:
    """What the host's name resolves to. Raises _Failed."""
    try:
        return [str(ipaddress.ip_address(target.host))]
    except ValueError:
        pass
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _Failed(Failure.NOT_FOUND, f"{target.host} has no address: {error}") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class _Connection:
    """One connection and the parser of its answers, which hears of them through the `on_` methods."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._parser = httptools.HttpResponseParser(self)
        self._rested = 0.0
        self._forget()

    def _forget(self) -> None:
        self._headers: list[tuple[str, str]] = []
        self._answer = b""
        self._size = 0
        self._status = 0
        self._headed = self._complete = False
        self.answering = False
        self.reusable = False

    def usable(self, since: float) -> bool:
        return self._rested > since and not self._reader.at_eof() and not self._writer.is_closing()

    def rest(self) -> None:
        self._rested = time.monotonic()

    def close(self) -> None:
        self._writer.close()

    async def exchange(self, target: Target, request: Request) -> Exchange:
        self._forget()
        await self._write(target, request)
        while not self._complete and self._size <= ANSWER_READ:
            data = await self._reader.read(65536)
            if not data:
                self._ended()
                break
            self.answering = True
            self._parser.feed_data(data)
        return Exchange(status=self._status, headers=self._headers, answer=self._answer, answer_size=self._size)

    async def _write(self, target: Target, request: Request) -> None:
        head = head_of(target, request)
        if request.pace is None and request.cut is None:
            self._writer.write(head + request.body)
            if len(request.body) > 65536:
                await self._writer.drain()
            return
        self._writer.write(head)
        body = request.body if request.cut is None else request.body[: request.cut.after]
        size, seconds = (len(body) or 1, 0.0) if request.pace is None else (request.pace.size, request.pace.seconds)
        for start in range(0, len(body), size):
            if start:
                await asyncio.sleep(seconds)
            self._writer.write(body[start : start + size])
            await self._writer.drain()
        if request.cut is not None:
            await self._break(request.cut)

    async def _break(self, cut: Cut) -> None:
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()
        if cut.how == "reset":
            raw = self._writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        self._writer.close()
        raise _Failed(Failure.CUT, f"the connection was ended by us after {cut.after} bytes of the body")

    def _ended(self) -> None:
        """An answer without a length lasts until the connection ends; any other is broken by that."""
        lengths = {name.lower() for name, _ in self._headers} & {"content-length", "transfer-encoding"}
        if not self._headed or lengths:
            raise _Failed(Failure.RESET, "the connection was closed before the answer was whole")
        self._complete = True

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        self._headed = True

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if len(self._answer) < ANSWER_KEPT:
            self._answer += body[: ANSWER_KEPT - len(self._answer)]

    def on_message_complete(self) -> None:
        if 100 <= self._status < 200:  # an interim answer; the real one follows
            self._headers, self._headed = [], False
            return
        self._complete = True
        self.reusable = self._parser.should_keep_alive()


def head_of(target: Target, request: Request) -> bytes:
    """Request line and headers, as bytes."""
    given = {name.lower() for name, _ in request.headers}
    lines = [f"{request.method} {target.path} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"Host: {target.named}")
    lines += [f"{name}: {value}" for name, value in request.headers]
    if "content-length" not in given and "transfer-encoding" not in given:
        length = len(request.body) if request.declared_length is None else request.declared_length
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
