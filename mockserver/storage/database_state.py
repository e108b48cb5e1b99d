"""A state in PostgreSQL, from the start of a server to its end."""

from __future__ import annotations

from mockserver.errors import StartupError
from mockserver.results.interface import ResultsRoot
from mockserver.settings import DatabaseUrl

try:
    import lz4.block  # noqa: F401  for the files of results, which are imported with the first export
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    from mockserver.storage.postgres_storage import PostgresStorage
    from mockserver.world.postgres.journals import JournalRows
    from mockserver.world.postgres.pool import Pool
    from mockserver.world.postgres.watch import DatabaseWatch
except ModuleNotFoundError as error:
    if error.name is None or not error.name.startswith(("lz4", "psycopg")):
        raise
    raise StartupError(
        f"--state postgresql://… needs {error.name.partition('.')[0]}, which is not installed;"
        " pip install 'labelbox-mockserver[postgres]'"
    ) from None

from mockserver.storage.interface import GetHooks, Storage
from mockserver.storage.state import Replica, State


def check_address(url: DatabaseUrl) -> None:
    """Raises StartupError for an address that libpq cannot read."""
    try:
        conninfo_to_dict(url.text)
    except psycopg.ProgrammingError as error:
        raise StartupError(
            f"--state {url}: {str(error).strip()}; expected an address such as postgresql://user@host:5432/mockserver"
        ) from None


class DatabaseState(State):
    """A database that this server shares with others, until it is closed."""

    def __init__(self, url: DatabaseUrl, connections: int, replica: Replica) -> None:
        """Raises StartupError."""
        check_address(url)
        self._pool = Pool(url.text, connections)
        self._watch = DatabaseWatch(url.text, self._pool, replica.name, replica.address)
        self.membership = self._watch
        self.journal_table = JournalRows(self._pool)
        self.resources = (lambda: self._pool.lost,)

    def open_storage(self, get_hooks: GetHooks, results_root: ResultsRoot | None) -> Storage:
        return PostgresStorage(self._pool, get_hooks, results_root=results_root)

    def close(self) -> None:
        self._watch.close()
        self._pool.close()
