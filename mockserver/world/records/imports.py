"""The records of what became of imported things, one by one."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from mockserver.world.record import JsonText, Record


class ImportRow(Record, frozen=True):
    """A data row that an import task was sent: its number in the world, or the message of its refusal and, as JSON,
    what was sent (`imports/row_specs.py`)."""

    TABLE: ClassVar[str] = "import_row"
    task_no: int
    position: int
    data_row_no: int | None
    message: str | None
    spec: JsonText | None


class AnnotationKind(StrEnum):
    """The kinds of imports of annotations (SDK annotation_import.py, bulk_import_request.py)."""

    LABELS = "labels"
    PRE_LABELS = "pre-labels"
    BULK = "bulk"
    """Pre-labels, as SDKs up to 5.2 import them."""
    PREDICTIONS = "predictions"
    RUN_TO_PROJECT = "run-to-project"
    """Predictions of a model run that become pre-labels of a project."""


class AnnotationImport(Record, frozen=True):
    """An import of annotations; `parent_id` is its project, or its model run. `input_url` is the URL that was sent, or
    None for a file; files are uploads. `pace` delays what is shown of it, by time or by `polls` (progression.py).

    Its rows are written in groups, each with its own transaction. `rows_done` says how far that went: how many of the
    data rows that its file names, in the order of their first lines. `ended` says that all are written, and the files
    of statuses with them; one that a killed server has left goes on when its workspace is opened again.
    """

    TABLE: ClassVar[str] = "annotation_import"
    NOUN: ClassVar[str] = "Import"
    id: str
    kind: str
    parent_id: str
    name: str
    failed: bool
    pace: JsonText
    input_url: str | None
    input_id: str | None
    status_id: str
    error_id: str
    created_by: str
    created_at: int
    polls: int = 0
    rows_done: int = 0
    ended: bool = True


class PreLabel(Record, frozen=True):
    """The annotations that a labeler finds on a data row of a project; the newest import of the row has them."""

    TABLE: ClassVar[str] = "pre_label"
    project_id: str
    data_row_no: int
    body_id: int
    import_id: str
    created_at: int
