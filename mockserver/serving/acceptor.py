"""Accepts connections from the listening socket up to a limit, and refuses the others with an answer.

asyncio's own loop of accepts takes 2,048 at a time and logs a traceback for each that fails, which filled 14 MB of log
in four seconds when descriptors ran out.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Set
from http import HTTPStatus

from mockserver.errors import StartupError
from mockserver.serving.descriptors import limit
from mockserver.serving.protocol import HttpProtocol
from mockserver.serving.refusals import Refusal, render_answer

LOG = logging.getLogger(__name__)

BACKLOG = 2048
"""Connections that the kernel queues until they are accepted."""
BATCH = 64
"""Connections accepted before the event loop does other work."""
MOST_BY_DEFAULT = 10_000
FEWEST = 8
RESERVED = 32
"""Descriptors that are never used for connections: log, loop, lock, and the databases of a few workspaces."""
IDLE_FOR = 1.0
"""Seconds without a request after which a connection may be closed to make room for another."""
PAUSE = 0.1
"""Seconds until the next attempt when no descriptor is left."""
LINGER = 0.5
"""Seconds that a refused client has to read the answer."""
MOST_LINGERING = 8

_OUT_OF_RESOURCES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
# Not 503: SDKs retry every 5xx for two minutes and then show nothing of the message (wire trap 4).
_REFUSED_ANSWER = render_answer(
    Refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        "The server has as many connections as it may have open files for; close some, raise `ulimit -n`, or see "
        "--connection-limit",
    ),
    [(b"x-content-type-options", b"nosniff")],
)


def connection_limit(requested: int | None) -> int:
    """Returns how many connections may be open: as requested, or half of the files that this process may have open,
    as far as RESERVED ones are left.

    Raises StartupError when so many cannot be open.
    """
    files = limit()
    if requested is None:
        return max(FEWEST, min(files // 2, files - RESERVED, MOST_BY_DEFAULT))
    most = max(FEWEST, files - RESERVED)
    if requested > most:
        raise StartupError(
            f"--connection-limit is {requested}; expected at most {most}, as this process may have {files} open files "
            "(ulimit -n)"
        )
    return requested


class Acceptor:
    """Accepts connections on the event loop. At most `most` are open at the same time."""

    def __init__(
        self, listening: socket.socket, create: Callable[[], HttpProtocol], open_: Set[HttpProtocol], *, most: int
    ) -> None:
        """`create` creates the protocol of a new connection; `open_` holds the protocols of the open connections."""
        self._listening, self._create, self._open, self._most = listening, create, open_, most
        self._loop = asyncio.get_running_loop()
        self._beginning: dict[asyncio.Task[object], HttpProtocol] = {}
        self._leaving: deque[socket.socket] = deque()
        self._spare: int | None = None
        self._again: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._listening.setblocking(False)
        self._listening.listen(BACKLOG)
        self._watch()

    def stop(self) -> None:
        """Stops accepting connections. Open connections stay open."""
        self._loop.remove_reader(self._listening)
        if self._again is not None:
            self._again.cancel()
        while self._leaving:
            self._leaving.popleft().close()
        self._release_spare()

    def _watch(self) -> None:
        self._again = None
        self._take_spare()
        self._loop.add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        room = self._most - self._count_connections()
        if room <= 0 and self._make_room():
            return  # when the loop calls this again, the closed connections are gone, and the others in use
        for _ in range(BATCH):
            try:
                connection, _address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._handle_accept_error(error)
                return
            if room > 0:
                room -= 1
                self._begin(connection)
            else:
                LOG.warning("%s connections are open and in use, which is the limit: one was refused", self._most)
                self._refuse(connection)

    def _count_connections(self) -> int:
        """Counts the connections that are open or begin. One that has just begun may be in both collections."""
        return len(self._open) + sum(protocol not in self._open for protocol in self._beginning.values())

    def _begin(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        protocol = self._create()
        task: asyncio.Task[object] = self._loop.create_task(
            self._loop.connect_accepted_socket(lambda: protocol, connection)
        )
        self._beginning[task] = protocol
        task.add_done_callback(self._note_begun)

    def _note_begun(self, task: asyncio.Task[object]) -> None:
        del self._beginning[task]
        if not task.cancelled() and task.exception() is not None:
            LOG.warning("a connection ended as it began: %s", task.exception())

    def _make_room(self) -> bool:
        """Closes the connections that have been idle for longest, and returns whether there were any.

        A connection whose next request the kernel has received is in use: the event loop reads it before it calls
        `_accept` again.
        """
        until = self._loop.time() - IDLE_FOR
        idle = [(it.idle_since, id(it), it) for it in self._open if it.idle_since is not None]
        overdue = [it for since, _, it in sorted(idle)[:BATCH] if since <= until]
        for protocol in overdue:
            if not protocol.has_unread_bytes():
                protocol.end_idle()
        return bool(overdue)

    def _refuse(self, connection: socket.socket) -> None:
        """Answers, and leaves the client time to read: a socket that is closed while the client sends is reset."""
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            connection.send(_REFUSED_ANSWER)
            connection.shutdown(socket.SHUT_WR)
        self._leaving.append(connection)
        self._loop.call_later(LINGER, connection.close)
        if len(self._leaving) > MOST_LINGERING:
            self._leaving.popleft().close()

    # Out of descriptors

    def _handle_accept_error(self, error: OSError) -> None:
        """Refuses one connection with the descriptor kept in reserve: without any it cannot even be refused."""
        LOG.error("a connection cannot be accepted: %s; see --connection-limit and `ulimit -n`", error.strerror)
        if error.errno not in _OUT_OF_RESOURCES or self._make_room():
            return
        if self._release_spare():
            self._answer_one()
            self._take_spare()
        if self._spare is None:
            self._loop.remove_reader(self._listening)
            self._again = self._loop.call_later(PAUSE, self._watch)

    def _answer_one(self) -> None:
        with contextlib.suppress(OSError):
            connection, _address = self._listening.accept()
            with connection:
                connection.setblocking(False)
                connection.send(_REFUSED_ANSWER)

    def _take_spare(self) -> None:
        if self._spare is None:
            with contextlib.suppress(OSError):
                self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def _release_spare(self) -> bool:
        """Closes the descriptor that is kept in reserve, and returns whether there was one."""
        if self._spare is None:
            return False
        os.close(self._spare)
        self._spare = None
        return True
