"""The status file of an import, and the part of it that says what failed (SDK annotation_import.py `statuses`)."""

from __future__ import annotations

import json
from collections.abc import Callable

from mockserver.imports.annotation_files import RowKey
from mockserver.imports.problems import LineProblem

SUCCESS, FAILURE = "SUCCESS", "FAILURE"

Write = Callable[[bytes], object]


class StatusWriter:
    """Writes a line for each annotation. Lines are ASCII: SDKs cut them wherever Python ends a line (wire trap 9)."""

    def __init__(self, write: Write, write_error: Write) -> None:
        self._write, self._write_error = write, write_error

    def write(self, uuid: str | None, key: RowKey, row_id: str | None, problem: LineProblem | None) -> None:
        """Adds a line. A data row has the id that was found for it, or what was sent."""
        row = {"id": row_id or key.row_id, "globalKey": key.global_key}
        errors = [] if problem is None else [{"name": problem.name, "message": problem.message}]
        entry = {
            "uuid": uuid,
            "dataRow": {name: value for name, value in row.items() if value is not None},
            "status": SUCCESS if problem is None else FAILURE,
            "errors": errors,
        }
        line = json.dumps(entry, separators=(",", ":")).encode() + b"\n"
        self._write(line)
        if problem is not None:
            self._write_error(line)
