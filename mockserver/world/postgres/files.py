"""Files of results in a PostgreSQL database, in parts of at most PART bytes: every reader of the database has them.

A part is compressed by LZ4 in this process, outside of the interpreter, so that far fewer bytes travel to the database
and back. One that would not be shorter is kept as it is: the length of what is kept says which of both it is.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import lz4.block

from mockserver.errors import ResourceFailed
from mockserver.world.postgres.database import PostgresDatabase, build_taken_over
from mockserver.world.postgres.tables import DATA

PART = 1024 * 1024
KEPT_SECONDS = 600
"""Seconds for which the bytes of a deleted file stay, for those that read it."""


class StoredFile(NamedTuple):
    """A complete file: its number, its name, its bytes, and when it was completed, in seconds since 1970."""

    no: int
    name: str
    size: int
    modified_at: float

    def count_bytes(self, part: int) -> int:
        """The bytes of one of its parts."""
        return max(0, min(PART, self.size - part * PART))


class Files:
    """The files of one life. Only its owner writes and deletes them."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._pool, self._life = database.pool, database.life
        self._of_owner = {"life": database.life, "owner": database.owner}
        self._connection = database.connect()

    def begin(self, name: str) -> int:
        """Deletes the file of this name, and begins a new one, which nobody finds before it is completed. Returns its
        number. Raises ResourceFailed if another server owns the life."""
        self.delete(name)
        row = self._connection.row(_BEGIN, {"name": name, **self._of_owner})
        if row is None:
            raise build_taken_over(self._pool)
        return int(row[0])

    def append(self, no: int, part: int, content: bytes | memoryview) -> None:
        """Writes one part. Writing it again changes nothing."""
        self._connection.run(_APPEND, {"no": no, "part": part, "content": compress(content)})

    def complete(self, no: int, size: int) -> None:
        """Ends a file: from now on it is found. Raises ResourceFailed if it was deleted while it was written."""
        if self._connection.run(_COMPLETE, {"no": no, "size": size, "now": time.time(), **self._of_owner}) != 1:
            raise ResourceFailed("The file was deleted while it was written; start the export again")

    def find(self, name: str) -> StoredFile | None:
        row = self._connection.row(f"{_SELECT} AND name = :name", {"life": self._life, "name": name})
        return None if row is None else StoredFile(*row)

    def list_below(self, name: str) -> list[StoredFile]:
        """All complete files below a name, in the order of their names."""
        rows = self._connection.rows(
            f"{_SELECT} AND {_BELOW} ORDER BY name", {"life": self._life, **_build_range(name)}
        )
        return [StoredFile(*row) for row in rows]

    def read(self, file: StoredFile, part: int) -> bytes:
        """The bytes of one part; none if there is no such part."""
        row = self._connection.row(_READ, {"no": file.no, "part": part})
        return b"" if row is None else decompress(row[0], file.count_bytes(part))

    def delete(self, name: str) -> None:
        """Deletes a file, or all files below a name, finished or not. Their bytes stay for KEPT_SECONDS."""
        values = {"name": name, **_build_range(name), **self._of_owner}
        self._connection.run(_DELETE, values)
        for purge in PURGES:
            self._connection.run(purge)


def compress(content: bytes | memoryview) -> bytes | memoryview:
    """The content as it is kept: compressed, or as it is."""
    packed: bytes = lz4.block.compress(content, store_size=False)
    return packed if len(packed) < len(content) else content


def decompress(stored: bytes, size: int) -> bytes:
    """The content of so many bytes that `compress` was given, or an earlier version kept as it is."""
    if len(stored) == size:
        return bytes(stored)
    content: bytes = lz4.block.decompress(stored, uncompressed_size=size)
    return content


def _build_range(name: str) -> dict[str, str]:
    """The range of the names below a name: `0` follows `/`."""
    return {"first": f"{name}/", "end": f"{name}0"}


_BELOW = "name >= :first AND name < :end"
_SELECT = (
    f"SELECT no, name, size, modified_at FROM {DATA}.result WHERE life = :life AND complete AND deleted_at IS NULL"
)
_IS_OWNER = f"EXISTS (SELECT 1 FROM {DATA}.life WHERE no = :life AND owner IS NOT DISTINCT FROM :owner)"
_BEGIN = (
    f"INSERT INTO {DATA}.result (life, name, size, modified_at, complete)"
    f" SELECT :life, :name, 0, 0, FALSE WHERE {_IS_OWNER} RETURNING no"
)
_APPEND = f"INSERT INTO {DATA}.result_part VALUES (:no, :part, :content) ON CONFLICT DO NOTHING"
_COMPLETE = (
    f"UPDATE {DATA}.result SET complete = TRUE, size = :size, modified_at = :now"
    f" WHERE no = :no AND deleted_at IS NULL AND {_IS_OWNER}"
)
_READ = f"SELECT content FROM {DATA}.result_part WHERE result_no = :no AND part = :part"
_DELETE = (
    f"UPDATE {DATA}.result SET deleted_at = now() WHERE life = :life AND deleted_at IS NULL"
    f" AND (name = :name OR ({_BELOW})) AND {_IS_OWNER}"
)
_IS_OLD = f"deleted_at < now() - make_interval(secs => {KEPT_SECONDS})"
_HAS_PARTS = f"EXISTS (SELECT 1 FROM {DATA}.result_part WHERE result_no = no)"
PURGES = (
    f"DELETE FROM {DATA}.result_part WHERE result_no IN (SELECT no FROM {DATA}.result WHERE {_IS_OLD})",
    f"DELETE FROM {DATA}.result WHERE {_IS_OLD} AND NOT {_HAS_PARTS}",
)
"""Removes the bytes of files that were deleted long ago, of all lives."""


def build_files_removal(life: int) -> str:
    """The statement that deletes all files of a life. Their bytes stay for KEPT_SECONDS, as those of other files."""
    return f"UPDATE {DATA}.result SET deleted_at = now() WHERE life = {life:d} AND deleted_at IS NULL;"
