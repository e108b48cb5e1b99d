"""Writes the files of one export in order, in a thread of their own where each write waits for a network."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Protocol

from mockserver.results.interface import Results, ResultWriter

PIECE = 1024 * 1024
"""Bytes that are handed to the thread together. An export with fewer is written without one."""
PIECES_AHEAD = 2
"""Pieces that wait for the thread, or are being written, while the next rows are rendered."""


class FilesWriter(Protocol):
    """Writes one file after the other. Its methods raise ResourceFailed."""

    def write(self, name: str, data: bytes) -> None:
        """Appends bytes to a file. Another name than that of the call before ends the file of that call."""

    def close(self) -> None:
        """Ends the last file: all of them can be read from now on."""

    def abandon(self) -> None:
        """Ends writing after a failure. The files will be deleted."""


class DirectWriter:
    """Writes in the thread of its user."""

    def __init__(self, results: Results) -> None:
        self._results = results
        self._name = ""
        self._file: ResultWriter | None = None

    def write(self, name: str, data: bytes) -> None:
        if name != self._name:
            self.close()
            self._name, self._file = name, self._results.create(name)
        assert self._file is not None
        self._file.write(data)

    def close(self) -> None:
        file, self._name = self._file, ""
        if file is not None:
            file.close()
            self._file = None

    def abandon(self) -> None:
        if self._file is not None:
            self._file.abandon()


class BackgroundWriter:
    """Writes in a thread of its own while its user renders what follows: a database or an object store is waited for
    without the interpreter. An error of the thread is raised by a later call, at the latest by `close`."""

    def __init__(self, results: Results) -> None:
        self._files = DirectWriter(results)
        self._name = ""
        self._piece: list[bytes] = []
        self._size = 0
        self._thread: ThreadPoolExecutor | None = None
        self._calls: deque[Future[None]] = deque()
        self._failed = threading.Event()

    def write(self, name: str, data: bytes) -> None:
        if name != self._name or self._size >= PIECE:
            self._hand_over()
            self._name = name
        self._piece.append(data)
        self._size += len(data)

    def _hand_over(self) -> None:
        if self._piece:
            piece, self._piece, self._size = self._piece, [], 0
            self._call(partial(self._write_piece, self._name, piece))

    def _write_piece(self, name: str, piece: list[bytes]) -> None:
        """Not joined before, as the writer of a database joins it to parts of its own."""
        for data in piece:
            self._files.write(name, data)

    def _call(self, work: Callable[[], None]) -> None:
        """Does the work in the thread, after all work before it."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="results")
        try:
            self._calls.append(self._thread.submit(self._run, work))
        except RuntimeError:  # the machine has no thread left; none of this pool has begun
            self._thread = None
            work()
        while len(self._calls) > PIECES_AHEAD:
            self._calls.popleft().result()

    def _run(self, work: Callable[[], None]) -> None:
        """Does nothing after a failure: a file without one of its pieces must not be completed."""
        if self._failed.is_set():
            return
        try:
            work()
        except BaseException:
            self._failed.set()
            raise

    def close(self) -> None:
        if self._thread is None:  # there is so little that another thread would take longer
            self._write_piece(self._name, self._piece)
            self._files.close()
            return
        self._hand_over()
        self._call(self._files.close)
        while self._calls:
            self._calls.popleft().result()
        self._thread.shutdown()

    def abandon(self) -> None:
        self._failed.set()
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)
        self._files.abandon()


def open_files_writer(results: Results) -> FilesWriter:
    """The writer that suits these results."""
    return BackgroundWriter(results) if results.remote else DirectWriter(results)
