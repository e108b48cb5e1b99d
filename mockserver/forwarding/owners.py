"""The facts about the other replicas of a database that forwarding needs."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from mockserver.storage.interface import Remote
from mockserver.workspaces.naming import WorkspaceName


class Owners(Protocol):
    """Knows which replica serves which workspace."""

    @property
    def secret(self) -> str:
        """The secret that replicas of one database share."""

    @property
    def number(self) -> int | None:
        """The number of this replica; another one after it was lost."""

    def serves(self, name: WorkspaceName) -> bool:
        """Whether this replica serves the workspace. It waits for nothing."""

    async def find(self, name: WorkspaceName) -> Remote | None:
        """The replica that serves the workspace; None if this one does from now on, or if there is no such workspace.

        The owner may be lost, as long as its lease runs. Raises WireError.
        """

    def use(self, name: WorkspaceName) -> AbstractContextManager[object]:
        """Keeps the workspace here while a request uses it. It waits for nothing."""

    def forget(self, name: WorkspaceName, remote: Remote) -> None:
        """Looks for the owner anew the next time: this one cannot be reached, or serves the workspace no longer."""

    def is_alive(self, remote: Remote) -> bool:
        """Whether the lease of a replica runs. It waits for nothing."""
