"""One server among those that share a database, as its storage and the owners of workspaces see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol


class Membership(Protocol):
    """This server among the others of its database."""

    secret: str
    """Known to the servers of the database alone."""
    on_taken_over: Callable[[], None]
    """Is called when the others have taken over what this server owned."""

    @property
    def members(self) -> Mapping[int, object]:
        """The living servers by number, as of the last heartbeat."""

    def is_confirmed(self) -> bool:
        """Whether nobody can have taken over what this server owns."""

    def find_loss(self) -> str | None:
        """The reason why the database counts as lost; None while it answers."""
