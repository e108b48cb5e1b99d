"""Opens the state of a server, whichever kind it is of."""

from __future__ import annotations

from pathlib import Path

from mockserver.settings import DatabaseUrl
from mockserver.storage.folder_state import FolderState
from mockserver.storage.state import Replica, State


def open_state(state: Path | DatabaseUrl | None, connections: int, replica: Replica) -> State:
    """Opens the state of `--state`; at most so many connections to a database are open, and its other servers know this
    one as `replica`. Raises StartupError."""
    if isinstance(state, DatabaseUrl):
        from mockserver.storage.database_state import DatabaseState  # noqa: PLC0415  needs psycopg

        return DatabaseState(state, connections, replica)
    return FolderState.open(state)
