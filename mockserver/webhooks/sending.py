"""Requests to receivers over asyncio streams: pooled keep-alive connections, TLS, limits, timings, any misbehaviour.

It never raises for what a receiver does: everything that can happen is an `Exchange`. Headers, declared length and
pace are the caller's, so that broken requests go out by the same way as whole ones.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import time
from collections import defaultdict
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial

import httptools
import msgspec

from mockserver.errors import BadInput
from mockserver.webhooks.connection import Connection
from mockserver.webhooks.exchange import Exchange, Failed, Failure, Request
from mockserver.webhooks.targets import Allowed, Target, target_of

IDLE_KEPT = 64
"""Connections to one receiver that wait for the next request."""
IDLE_SECONDS = 4.0
"""How long they wait: less than receivers' common five seconds, so that few die under a request."""
RESOLVING_THREADS = 8
"""Names that are looked up at the same time, in threads of their own: a name server that is silent holds each for ten
seconds and more, and the event loop's own threads serve pages, assets and large bodies."""


class Sender:
    """Sends requests and keeps connections. Belongs to one event loop."""

    def __init__(self, allowed: Allowed | None = None, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._allowed, self._idle_seconds = allowed or Allowed(), idle_seconds
        self._idle: defaultdict[tuple[bool, str, int], list[Connection]] = defaultdict(list)
        self._trusted: ssl.SSLContext | None = None
        self._reaper: asyncio.TimerHandle | None = None
        self._resolving = ThreadPoolExecutor(RESOLVING_THREADS, thread_name_prefix="resolve")

    async def send(self, request: Request) -> Exchange:
        """Whatever comes of it; raises nothing but what cancels the task."""
        began = time.perf_counter()
        try:
            target = target_of(request.url)
            async with asyncio.timeout(request.timeout):
                made = await self._exchange(target, request)
        except Failed as error:
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
        self._resolving.shutdown(wait=False, cancel_futures=True)

    async def _exchange(self, target: Target, request: Request) -> Exchange:
        """By a kept connection if there is one; where that died meanwhile, by a new one."""
        key = (target.secure, target.host, target.port)
        kept = self._take(key)
        if kept is not None:
            try:
                return await self._by(kept, key, target, request)
            except Failed as error:
                if error.failure != Failure.RESET or kept.answering:
                    raise
        return await self._by(await self._connect(target), key, target, request)

    def _take(self, key: tuple[bool, str, int]) -> Connection | None:
        idle = self._idle[key]
        while idle:
            connection = idle.pop()
            if connection.usable(time.monotonic() - self._idle_seconds):
                return connection
            connection.close()
        return None

    def _keep(self, key: tuple[bool, str, int], connection: Connection) -> None:
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
        self, connection: Connection, key: tuple[bool, str, int], target: Target, request: Request
    ) -> Exchange:
        keep = False
        try:
            exchange = await connection.exchange(target, request)
            keep = connection.reusable and len(self._idle[key]) < IDLE_KEPT
        except OSError as error:
            raise Failed(Failure.RESET, f"the connection ended: {error}") from None
        except httptools.HttpParserError as error:
            raise Failed(Failure.NOT_HTTP, f"the answer is not HTTP/1.1: {error}") from None
        finally:
            if keep:
                self._keep(key, connection)
            else:
                connection.close()
        return exchange

    async def _connect(self, target: Target) -> Connection:
        addresses = await _addresses(target, self._resolving)
        for address in addresses:  # all before the first: one name must not lead to two places
            if refusal := self._allowed.refusal(target.host, address):
                raise Failed(Failure.NOT_ALLOWED, refusal)
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
                raise Failed(Failure.TLS, f"no TLS with {target.host}: {error}") from None
            except OSError as error:
                failed = error.strerror or str(error)
            else:
                return Connection(reader, writer)
        raise Failed(Failure.NOT_CONNECTED, f"nobody answers at {target.host}:{target.port}: {failed}")

    def _tls(self) -> ssl.SSLContext:
        """Certificates are checked; SSL_CERT_FILE names further authorities, as for any OpenSSL program."""
        if self._trusted is None:
            self._trusted = ssl.create_default_context()
        return self._trusted


async def _addresses(target: Target, threads: Executor) -> list[str]:
    """What the host's name resolves to. Raises Failed."""
    try:
        return [str(ipaddress.ip_address(target.host))]
    except ValueError:
        pass
    loop = asyncio.get_running_loop()
    try:
        resolve = partial(socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM)
        found = await loop.run_in_executor(threads, resolve)
    except (OSError, UnicodeError) as error:
        raise Failed(Failure.NOT_FOUND, f"{target.host} has no address: {error}") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
