"""Where the results of exports are kept: an interface, with a local folder behind it (`folder_results`).

A name is a relative path, as `results/{task}/RESULT/0.ndjson`: exports decide on names (`streams`, `legacy/files`).
Implementations keep the laws that contract_tests/rules/exports/test_results.py states. They raise ResourceFailed, which
names the resource, where the machine under them fails.
"""

from __future__ import annotations

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
        """Ends the file."""


class ResultReader(Protocol):
    """An open file, which stays readable when its name is deleted."""

    @property
    def size(self) -> int:
        """Its bytes."""

    def read(self, first: int, most: int) -> bytes:
        """Returns at most `most` bytes from the byte `first` on; none after the end. Raises OSError."""

    def close(self) -> None:
        """Gives back what is held open."""


class Results(Protocol):
    """The results of one life of a workspace. Safe for several threads that use different names."""

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
