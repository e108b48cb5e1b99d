"""Changes of uploaded files."""

from __future__ import annotations

from mockserver.world.records.uploads import Upload
from mockserver.world.store import Store


class UploadChanges:
    """The changes of one store's uploads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def new_ids(self, count: int) -> list[str]:
        """Ids for files that are about to be received."""
        with self._store.change() as change:
            return change.new_ids(count)

    def add(self, upload: Upload) -> None:
        """Records a file that was received. Until then it does not exist for anybody."""
        with self._store.change() as change:
            change.connection.insert([upload])
