"""Kept connections to the other replicas."""

from __future__ import annotations

import asyncio

from mockserver.forwarding.connection import ReplicaConnection, connect
from mockserver.forwarding.owners import Owners
from mockserver.storage.interface import Remote

CONNECT_WITHIN = 3.0
"""Seconds. A replica that is lost with its machine answers nothing at all."""
MOST_IDLE = 32
"""Idle connections that are kept to each replica."""
IDLE_FOR = 30.0
"""Seconds for which an idle connection is kept: less than the 75 after which the other side closes it."""
INTERVAL = 0.5
"""Seconds between two looks at the leases of replicas that requests wait for."""


class Pool:
    """The connections of one replica to all others."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners
        self._idle: dict[Remote, list[ReplicaConnection]] = {}
        self._busy: set[ReplicaConnection] = set()
        self._guard: asyncio.Task[None] | None = None

    async def acquire(self, remote: Remote) -> ReplicaConnection:
        """A connection that is used by nobody else until it is released. Raises OSError, TimeoutError."""
        idle = self._idle.get(remote, [])
        since = asyncio.get_running_loop().time() - IDLE_FOR
        while idle:
            connection = idle.pop()  # the one that was used last
            if connection.is_open and connection.idle_since > since:
                break
            connection.close()
        else:
            connection = await connect(remote, CONNECT_WITHIN)
        self._busy.add(connection)
        if self._guard is None:
            self._guard = asyncio.create_task(self._watch())
        return connection

    def release(self, connection: ReplicaConnection) -> None:
        """Keeps a connection for the next request, if one can follow."""
        self._busy.discard(connection)
        idle = self._idle.setdefault(connection.remote, [])
        if connection.is_reusable and len(idle) < MOST_IDLE and self._owners.is_alive(connection.remote):
            connection.idle_since = asyncio.get_running_loop().time()
            idle.append(connection)
        else:
            connection.close()

    async def _watch(self) -> None:
        """Ends the requests to replicas whose leases have ended, and closes what has been idle, while there is either.

        A replica that is stopped, or cut off, keeps its connections open and answers nothing.
        """
        while self._busy or any(self._idle.values()):
            await asyncio.sleep(INTERVAL)
            for connection in list(self._busy):
                if not self._owners.is_alive(connection.remote):
                    connection.close("the lease of the replica ended")
            self._close_idle()
        self._guard = None

    def _close_idle(self) -> None:
        since = asyncio.get_running_loop().time() - IDLE_FOR
        for remote, idle in list(self._idle.items()):
            alive = self._owners.is_alive(remote)
            usable = [it for it in idle if alive and it.is_open and it.idle_since > since]
            for connection in idle:
                if connection not in usable:
                    connection.close()
            if usable:
                self._idle[remote] = usable
            else:
                del self._idle[remote]

    async def stop(self) -> None:
        """Closes all connections."""
        if self._guard is not None:
            self._guard.cancel()
        for connection in [*self._busy, *(it for idle in self._idle.values() for it in idle)]:
            connection.close()
        self._idle.clear()
