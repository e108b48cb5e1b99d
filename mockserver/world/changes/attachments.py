"""Changes of attachments of data rows."""

from __future__ import annotations

from typing import Any

from mockserver.world.change import Change
from mockserver.world.clause import Clause
from mockserver.world.new_rows import NewAttachment
from mockserver.world.records.data_rows import Attachment, DataRow
from mockserver.world.records.events import EventKind
from mockserver.world.store import Store


class AttachmentChanges:
    """The changes of one store's attachments. Each is activity on the data row."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, data_row_id: str, new: NewAttachment) -> Attachment:
        """Raises NotFound."""
        with self._store.change() as change:
            row = change.one(DataRow, data_row_id)
            attachment = Attachment(
                change.number(Attachment), change.new_id(), row.no, new.type, new.value, None, new.name
            )
            change.connection.insert([attachment])
            _add_event(change, attachment)
            return attachment

    def update(self, attachment_id: str, **fields: Any) -> Attachment:
        """Sets fields of an attachment; a new value takes the place of a file that the server hosts. Raises
        NotFound."""
        with self._store.change() as change:
            attachment = change.one(Attachment, attachment_id)
            values = fields | ({"asset": None} if "value" in fields else {})
            if values:
                change.connection.update(Attachment, Clause("no = :no", no=attachment.no), **values)
            _add_event(change, attachment)
            return change.one(Attachment, attachment_id)

    def delete(self, attachment_id: str) -> str:
        """Raises NotFound."""
        with self._store.change() as change:
            attachment = change.one(Attachment, attachment_id)
            change.connection.delete(Attachment, Clause("no = :no", no=attachment.no))
            _add_event(change, attachment)
            return attachment.id


def _add_event(change: Change, attachment: Attachment) -> None:
    number = Clause("no = :no", no=attachment.data_row_no)
    row = change.connection.one(DataRow, number, f"The data row of attachment {attachment.id!r}")
    change.touch(row.no)
    change.add_event(EventKind.DATA_ROW_UPDATED, data_row=row.id)
