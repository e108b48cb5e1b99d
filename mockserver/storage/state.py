"""The state of a server: a folder or a database with all its workspaces (folder_state.py, database_state.py)."""

from __future__ import annotations

import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from mockserver.journal.table import JournalTable
from mockserver.results.interface import ResultsRoot
from mockserver.settings import Settings
from mockserver.storage.interface import GetHooks, Storage

if TYPE_CHECKING:
    from mockserver.storage.membership import Membership


class Replica(NamedTuple):
    """A server as the others of its database see it: its name, and the address by which they reach it."""

    name: str
    address: str


def name_replica(settings: Settings) -> str:
    """The name of this server: that of --replica-name, or one of machine and process."""
    return settings.replica_name or f"{socket.gethostname()}-{os.getpid()}"


class State(ABC):
    """A state that this process uses, until it is closed."""

    membership: Membership | None = None
    """This server among the others that share the state; None if it is alone."""

    journal_table: JournalTable | None = None
    """Keeps the journals of workspaces; None if they are in the memory of this process alone."""

    resources: tuple[Callable[[], str | None], ...] = ()
    """Checks of the things that it needs outside of this machine: the reason why one cannot be used now, or None."""

    @abstractmethod
    def open_storage(self, get_hooks: GetHooks, results_root: ResultsRoot | None) -> Storage:
        """The storage of its workspaces. Results are below `results_root`, or beside the worlds."""

    @abstractmethod
    def close(self) -> None:
        """Releases it for another process."""
