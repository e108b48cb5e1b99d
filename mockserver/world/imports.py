"""The records of what became of imported things, one by one."""

from __future__ import annotations

from typing import ClassVar

from mockserver.world.database import JsonText, Record


class ImportRow(Record, frozen=True):
    """A data row that an import task was sent: its number in the world, or the message of its refusal and, as JSON,
    what was sent (`imports/row_specs.py`)."""

    TABLE: ClassVar[str] = "import_row"
    task_no: int
    position: int
    data_row_no: int | None
    message: str | None
    spec: JsonText | None
