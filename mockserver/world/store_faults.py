"""Faults of the machine as one store reports them: about the files of its database, or that its workspace ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mockserver.errors import Conflict, MockserverError, ResourceFailed
from mockserver.world.machine_failures import find_machine_failure, hide_from_log
from mockserver.world.presence import Presence


class StoreFaults:
    """The faults of one store. A database that is a server has no `path`."""

    def __init__(self, path: Path | None) -> None:
        self._presence = Presence(path)
        self.hidden = False
        """Whether the files are being moved away: then every fault says that the workspace ends."""

    def remember_files(self) -> None:
        """Remembers the files of the database when it has just been opened."""
        self._presence.remember()

    def check_files(self) -> None:
        """Raises ResourceFailed when the file of the database is gone."""
        with hide_from_log() if self.hidden else contextlib.nullcontext():
            self._presence.check()

    @contextmanager
    def hide(self) -> Iterator[None]:
        """Hides the faults inside this block, and after it, unless the block raises an error."""
        self.hidden = True
        try:
            yield
        except BaseException:
            self.hidden = False
            raise

    @contextmanager
    def convert(self) -> Iterator[None]:
        """Raises ResourceFailed for an engine's error about the machine. It names the database; the engine does not."""
        try:
            yield
        except Exception as error:
            known = isinstance(error, MockserverError) and not isinstance(error, ResourceFailed)
            fault = None if known else self.find(error)
            if fault is None or fault is error:
                raise
            raise fault from error

    def find(self, error: BaseException) -> MockserverError | None:
        """The fault of the machine that `error` reports; that the workspace ends, while its files are moved away."""
        if not self.hidden:
            return self._find_failure(error)
        with hide_from_log():
            return None if find_machine_failure(error, self._presence.path) is None else build_conflict()

    def _find_failure(self, error: BaseException) -> MockserverError | None:
        """The failure of the machine that `error` reports. Where a file is gone that is its cause, whatever SQLite says
        of it: if it notices, that is a disk that fails."""
        failure = find_machine_failure(error, self._presence.path)
        if failure is None or isinstance(error, MockserverError):
            return failure
        try:
            self._presence.check()
        except ResourceFailed as missing:
            return missing
        return failure


def build_conflict() -> Conflict:
    return Conflict("This workspace was reset or deleted in the meantime; send the request again")
