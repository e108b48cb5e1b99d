"""Sends requests to receivers over asyncio streams: pooled keep-alive connections, TLS, limits, timings, misbehaviours.

It raises nothing for what a receiver does: every result is an `Outcome`. Headers, declared length and pauses are the
caller's, so that broken requests are sent by the same code as correct ones.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import ssl
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial

import httptools
import msgspec

from mockserver.errors import BadInput
from mockserver.webhooks.connection import ReceiverConnection
from mockserver.webhooks.exchange import ExchangeError, Failure, Outcome, Request
from mockserver.webhooks.targets import Allowed, Target, parse_target

IDLE_CONNECTIONS = 64
"""Idle connections to one receiver that are kept for the next request."""
IDLE_SECONDS = 4.0
"""How long they are kept: less than receivers' common five seconds, so that few die under a request."""
RESOLVED_WITHIN = 2.0
"""Seconds that a new subscription waits for the addresses of its host."""
RESOLVER_THREADS = 8
"""Names that are resolved concurrently, in threads of their own: a name server that is silent holds each for ten
seconds and more, and the event loop's own threads serve pages, assets and large bodies."""

PoolKey = tuple[bool, str, int]


class Sender:
    """Sends requests and keeps connections. Belongs to one event loop."""

    def __init__(self, allowed: Allowed | None = None, *, idle_seconds: float = IDLE_SECONDS) -> None:
        self._allowed, self._idle_seconds = allowed or Allowed(), idle_seconds
        self._idle: defaultdict[PoolKey, list[ReceiverConnection]] = defaultdict(list)
        self._tls_context: ssl.SSLContext | None = None
        self._reaper: asyncio.TimerHandle | None = None
        self._resolver = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolve")

    async def send(self, url: str, request: Request) -> Outcome:
        """Sends one request, without its delay. Raises nothing except the cancellation of the task."""
        started = time.perf_counter()
        used: list[ReceiverConnection] = []
        try:
            target = parse_target(url)
            async with asyncio.timeout(request.timeout):
                outcome = await self._exchange(target, request, used)
        except ExchangeError as error:
            outcome = Outcome(failure=error.failure, reason=error.reason, incomplete_status=error.incomplete_status)
        except BadInput as error:
            outcome = Outcome(failure=Failure.NO_URL, reason=error.message)
        except TimeoutError:
            outcome = Outcome(failure=Failure.TIMEOUT, reason=f"no answer within {request.timeout:g} seconds")
        seconds = round(time.perf_counter() - started, 6)
        sent = bool(used) and used[-1].sent
        return msgspec.structs.replace(outcome, seconds=seconds, connected=bool(used), sent=sent)

    async def send_all(self, url: str, requests: Sequence[Request]) -> list[Outcome]:
        """Sends requests one after the other, concurrent ones together with the request before them."""
        if len(requests) == 1 and not requests[0].delay:
            return [await self.send(url, requests[0])]  # without a task of its own: the usual case
        sending: list[asyncio.Task[Outcome]] = []
        async with asyncio.TaskGroup() as group:
            for request in requests:
                if sending and not request.concurrent:
                    await asyncio.wait(sending)
                sending.append(group.create_task(self._send_delayed(url, request)))
        return [task.result() for task in sending]

    async def _send_delayed(self, url: str, request: Request) -> Outcome:
        await asyncio.sleep(request.delay)
        return await self.send(url, request)

    async def close(self) -> None:
        if self._reaper is not None:
            self._reaper.cancel()
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()
        self._resolver.shutdown(wait=False, cancel_futures=True)

    async def _exchange(self, target: Target, request: Request, used: list[ReceiverConnection]) -> Outcome:
        """Uses an idle connection if there is one, and a new one if that has died."""
        key = (target.secure, target.host, target.port)
        idle = self._take_idle(key)
        if idle is not None:
            used.append(idle)
            try:
                return await self._exchange_by(idle, key, target, request)
            except ExchangeError as error:
                if error.failure != Failure.RESET or idle.answering:
                    raise
            used.clear()
        connection = await self._connect(target)
        used.append(connection)
        return await self._exchange_by(connection, key, target, request)

    def _take_idle(self, key: PoolKey) -> ReceiverConnection | None:
        idle = self._idle[key]
        while idle:
            connection = idle.pop()
            if connection.is_usable(time.monotonic() - self._idle_seconds):
                return connection
            connection.close()
        return None

    def _keep(self, key: PoolKey, connection: ReceiverConnection) -> None:
        connection.mark_idle()
        self._idle[key].append(connection)
        if self._reaper is None:
            self._reaper = asyncio.get_running_loop().call_later(self._idle_seconds, self._reap)

    def _reap(self) -> None:
        """Closes connections that were idle too long: receivers come and go, and each would leave its own behind."""
        since = time.monotonic() - self._idle_seconds
        for key, connections in list(self._idle.items()):
            for connection in connections:
                if not connection.is_usable(since):
                    connection.close()
            self._idle[key] = [connection for connection in connections if connection.is_usable(since)]
            if not self._idle[key]:
                del self._idle[key]
        self._reaper = asyncio.get_running_loop().call_later(self._idle_seconds, self._reap) if self._idle else None

    @property
    def idle_connections(self) -> int:
        """How many connections are kept for a next request."""
        return sum(map(len, self._idle.values()))

    async def _exchange_by(
        self, connection: ReceiverConnection, key: PoolKey, target: Target, request: Request
    ) -> Outcome:
        keep = False
        try:
            outcome = await connection.exchange(target, request)
            keep = connection.reusable and len(self._idle[key]) < IDLE_CONNECTIONS
        except OSError as error:
            raise ExchangeError(Failure.RESET, f"the connection ended: {error}") from None
        except httptools.HttpParserError as error:
            raise ExchangeError(Failure.NOT_HTTP, f"the answer is not HTTP/1.1: {error}") from None
        finally:
            if keep:
                self._keep(key, connection)
            else:
                connection.close()
        return outcome

    async def _connect(self, target: Target) -> ReceiverConnection:
        addresses = await _resolve(target, self._resolver)
        for address in addresses:  # all before the first: one name must not lead to two places
            if refusal := self._allowed.refusal(target.host, address):
                raise ExchangeError(Failure.NOT_ALLOWED, refusal)
        reason = ""
        for address in addresses:
            try:
                reader, writer = await asyncio.open_connection(
                    address,
                    target.port,
                    ssl=self._tls() if target.secure else None,
                    server_hostname=target.host if target.secure else None,
                )
            except ssl.SSLError as error:
                raise ExchangeError(Failure.TLS, f"no TLS with {target.host}: {error}") from None
            except OSError as error:
                # asyncio puts a text of its own, with the address as Python writes it, in the place of the system's.
                reason = os.strerror(error.errno) if error.errno else str(error)
            else:
                return ReceiverConnection(reader, writer)
        raise ExchangeError(Failure.NOT_CONNECTED, f"no server answers at {target.host}:{target.port}: {reason}")

    def find_refusal(self, url: str) -> str | None:
        """The reason why nothing that is sent to this host now would arrive; None if it may arrive.

        None too if its name is not resolved within RESOLVED_WITHIN seconds. Raises BadInput.
        """
        target = parse_target(url)
        try:
            entries = self._resolver.submit(socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM)
            addresses = {str(entry[4][0]) for entry in entries.result(RESOLVED_WITHIN)}
        except TimeoutError:
            return None
        except (OSError, UnicodeError) as error:
            return f"{target.host} has no address on the server's machine now: {error}"
        return next(filter(None, (self._allowed.refusal(target.host, address) for address in sorted(addresses))), None)

    def _tls(self) -> ssl.SSLContext:
        """Checks certificates; SSL_CERT_FILE names further authorities, as for any OpenSSL program."""
        if self._tls_context is None:
            self._tls_context = ssl.create_default_context()
        return self._tls_context


async def _resolve(target: Target, threads: Executor) -> list[str]:
    """The addresses of the host's name. Raises ExchangeError."""
    try:
        return [str(ipaddress.ip_address(target.host))]
    except ValueError:
        pass
    loop = asyncio.get_running_loop()
    try:
        resolve = partial(socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM)
        entries = await loop.run_in_executor(threads, resolve)
    except (OSError, UnicodeError) as error:
        raise ExchangeError(Failure.NOT_FOUND, f"{target.host} has no address: {error}") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in entries))
