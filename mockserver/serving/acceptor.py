"""Takes connections from the listening socket, as many as there is room for, and turns the rest away with an answer.

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
from mockserver.serving.protocol import HttpProtocol, Refusal, answer

LOG = logging.getLogger(__name__)

BACKLOG = 2048
"""Connections that the kernel keeps for us until they are accepted."""
AT_A_TURN = 64
"""Connections accepted before other work of the loop has its turn."""
MOST_BY_DEFAULT = 10_000
LEAST = 8
NEEDED_ELSEWHERE = 32
"""Descriptors that are never given to connections: log, loop, lock, and the databases of a few workspaces."""
QUIET_FOR = 1.0
"""Seconds without a request after which a connection may be closed to make room for another."""
PAUSE = 0.1
"""Seconds until the next try when not even one descriptor is left."""
LINGER = 0.5
"""Seconds in which a client that is turned away may read why."""
MOST_LINGERING = 8

_OUT_OF_RESOURCES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
# Not 503: SDKs retry every 5xx for two minutes and then show nothing of the message (wire trap 4).
_TURNED_AWAY = answer(
    Refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        "The server has as many connections as it may have open files for; close some, raise `ulimit -n`, or see "
        "--connection-limit",
    ),
    [(b"x-content-type-options", b"nosniff")],
)


def connection_limit(asked: int | None) -> int:
    """How many connections may be open: as asked, or half of the files that this process may have open.

    Raises StartupError when so many cannot be open.
    """
    files = limit()
    if asked is None:
        return max(LEAST, min(files // 2, MOST_BY_DEFAULT))
    most = max(LEAST, files - NEEDED_ELSEWHERE)
    if asked > most:
        raise StartupError(
            f"--connection-limit is {asked}; this process may have {files} open files (ulimit -n), so at most {most}"
        )
    return asked


class Acceptor:
    """Accepts on the loop's own turns. `most` connections may be open at once."""

    def __init__(
        self, listening: socket.socket, make: Callable[[], HttpProtocol], open_: Set[HttpProtocol], *, most: int
    ) -> None:
        """`make` makes the protocol of a new connection, and `open_` holds those of the open ones."""
        self._listening, self._make, self._open, self._most = listening, make, open_, most
        self._loop = asyncio.get_running_loop()
        self._beginning: set[asyncio.Task[object]] = set()
        self._leaving: deque[socket.socket] = deque()
        self._spare: int | None = None
        self._again: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._listening.setblocking(False)
        self._listening.listen(BACKLOG)
        self._watch()

    def stop(self) -> None:
        """Accept no more. Open connections stay."""
        self._loop.remove_reader(self._listening)
        if self._again is not None:
            self._again.cancel()
        while self._leaving:
            self._leaving.popleft().close()
        self._give_spare_away()

    def _watch(self) -> None:
        self._again = None
        self._take_spare()
        self._loop.add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        room = self._most - len(self._open) - len(self._beginning)
        if room <= 0 and self._make_room():
            return  # those that were closed are gone when the loop comes here again
        for _ in range(AT_A_TURN):
            try:
                connection, _address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._cannot_accept(error)
                return
            if room > 0:
                room -= 1
                self._begin(connection)
            else:
                LOG.warning("%s connections are open and in use, as many as may be: one was turned away", self._most)
                self._turn_away(connection)

    def _begin(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        task: asyncio.Task[object] = self._loop.create_task(self._loop.connect_accepted_socket(self._make, connection))
        self._beginning.add(task)
        task.add_done_callback(self._begun)

    def _begun(self, task: asyncio.Task[object]) -> None:
        self._beginning.discard(task)
        if not task.cancelled() and task.exception() is not None:
            LOG.warning("a connection ended as it began: %s", task.exception())

    def _make_room(self) -> bool:
        """Close those connections that have been quiet for longest; whether there were any."""
        until = self._loop.time() - QUIET_FOR
        quiet = [(it.quiet_since, id(it), it) for it in self._open if it.quiet_since is not None]
        longest = [it for since, _, it in sorted(quiet)[:AT_A_TURN] if since <= until]
        for protocol in longest:
            protocol.end_quiet()
        return bool(longest)

    def _turn_away(self, connection: socket.socket) -> None:
        """Answer, and leave the client a moment to read: a socket that is closed while the client sends is reset."""
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            connection.send(_TURNED_AWAY)
            connection.shutdown(socket.SHUT_WR)
        self._leaving.append(connection)
        self._loop.call_later(LINGER, connection.close)
        if len(self._leaving) > MOST_LINGERING:
            self._leaving.popleft().close()

    # Out of descriptors

    def _cannot_accept(self, error: OSError) -> None:
        """Without a free descriptor a connection cannot even be refused: one is kept in reserve for that."""
        LOG.error("a connection cannot be accepted: %s; see --connection-limit and `ulimit -n`", error.strerror)
        if error.errno not in _OUT_OF_RESOURCES or self._make_room():
            return
        if self._give_spare_away():
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
                connection.send(_TURNED_AWAY)

    def _take_spare(self) -> None:
        if self._spare is None:
            with contextlib.suppress(OSError):
                self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def _give_spare_away(self) -> bool:
        """Close the descriptor that is kept in reserve; whether there was one."""
        if self._spare is None:
            return False
        os.close(self._spare)
        self._spare = None
        return True
