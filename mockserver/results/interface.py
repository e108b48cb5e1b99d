"""The interface of the places that keep results: a folder, rows of a database, or an object store.

A name is a relative path, such as `results/{task}/RESULT/0.ndjson`. Exports choose the names (exports/streams.py,
exports/legacy/files.py). Implementations obey the laws that contract_tests/rules/results/test_results.py states. They
raise ResourceFailed, which names the resource, where the machine under them fails.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol


class ResultFile(NamedTuple):
    """A file as `Results.list` reports it: bytes, and seconds since 1970 by the machine's clock."""

    name: str
    size: int
    modified_at: float


class ResultWriter(Protocol):
    """A file that is being written. Nobody reads it before it is closed."""

    def write(self, data: bytes) -> object:
        """Appends bytes."""

    def close(self) -> None:
        """Ends the file, which can be read from now on."""

    def abandon(self) -> None:
        """Ends the file, which will be deleted: it need not be complete, nor be there at all."""


class ResultReader(Protocol):
    """An open file, which stays readable when its name is deleted: all of it on a disk, and in an object store at least
    the part that was read last."""

    @property
    def size(self) -> int:
        """The number of its bytes."""

    def read(self, first: int, most: int) -> bytes:
        """Returns at most `most` bytes from the byte `first` on; none after the end. Raises OSError, ResourceFailed."""

    def close(self) -> None:
        """Releases the file."""


class Results(Protocol):
    """The results of one life of a workspace. Safe for several threads that use different names."""

    @property
    def remote(self) -> bool:
        """Whether each method takes as long as a network does, so that none is called on the event loop."""

    @property
    def keeps_open(self) -> bool:
        """Whether a file that is open stays readable when it is deleted."""

    def create(self, name: str) -> ResultWriter:
        """Begins a file, in place of an earlier one of this name."""

    def open(self, name: str) -> ResultReader:
        """Opens a file to read ranges of it. Raises FileNotFoundError."""

    def size(self, name: str) -> int:
        """The bytes of a file. Raises FileNotFoundError."""

    def delete(self, name: str) -> None:
        """Deletes a file, or all files below a name. Does nothing when there are none."""

    def list(self, below: str) -> list[ResultFile]:
        """All files below a name, in the order of their names."""

    def find_path(self, name: str) -> Path | None:
        """The path of a file or folder on the local disk, for messages; None for results that are not on it."""

    def sign_url(self, name: str) -> str | None:
        """A URL of the store itself, at which anyone can fetch the file for a while; None if it has no such URLs.
        Raises FileNotFoundError, ResourceFailed."""


class ResultsRoot(Protocol):
    """A place for the results of all workspaces, apart from their worlds. Each life has another name."""

    def open(self, life: str) -> Results:
        """The results of a life."""

    def remove(self, life: str) -> None:
        """Deletes all results of a life. What cannot be deleted is logged."""

    def find_failure(self) -> str | None:
        """Tries the place, and returns the reason why it cannot be used now; None if it can."""
