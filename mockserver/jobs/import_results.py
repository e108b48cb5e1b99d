"""The result of an import of data rows as one JSON file, as SDKs up to 3.71 download it (task.py 3.40.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import orjson

from mockserver.world.clause import Clause
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.imports import ImportRow
from mockserver.world.records.tasks import Task, TaskStatus
from mockserver.world.store import Store

ROWS_TOGETHER = 500


def render_result(store: Store, task: Task, build_row_data: Callable[[DataRow], str]) -> Iterator[bytes]:
    """`{"createdDataRows": […], "errors": […]}` (SDK tests: snapshots), or `{"error": …}` of a task that failed."""
    if task.status == TaskStatus.FAILED:
        yield orjson.dumps({"error": task.failure})
        return
    yield b'{"createdDataRows":['
    yield from _separate(_list_created(store, task, build_row_data))
    yield b'],"errors":['
    yield from _separate(_list_errors(store, task))
    yield b"]}"


def _separate(entries: Iterator[dict[str, object]]) -> Iterator[bytes]:
    comma = b""
    for entry in entries:
        yield comma + orjson.dumps(entry)
        comma = b","


def _list_created(store: Store, task: Task, build_row_data: Callable[[DataRow], str]) -> Iterator[dict[str, object]]:
    for records in _iterate_records(store, task, "data_row_no IS NOT NULL"):
        numbers = [record.data_row_no for record in records]
        with store.reading() as connection:
            rows = {row.no: row for row in connection.select(DataRow, Clause("no IN :numbers", numbers=numbers))}
        for record in records:
            row = rows[record.data_row_no or 0]
            yield {
                "id": row.id,
                "externalId": row.external_id,
                "rowData": build_row_data(row),
                "globalKey": row.global_key,
            }


def render_error(message: str, sent: Mapping[str, object]) -> dict[str, object]:
    """A refused row, with all five keys (observed 2023-07, 2024-08)."""
    names = ("externalId", "rowData", "globalKey", "metadata", "attachments")
    return {"message": message, "failedDataRows": [{name: sent.get(name) for name in names}]}


def _list_errors(store: Store, task: Task) -> Iterator[dict[str, object]]:
    """Each refused row."""
    for records in _iterate_records(store, task, "data_row_no IS NULL"):
        for record in records:
            yield render_error(record.message or "", orjson.loads(record.spec or "{}"))


def _iterate_records(store: Store, task: Task, kind: str) -> Iterator[list[ImportRow]]:
    position = -1
    while True:
        clause = Clause(f"task_no = :task AND position > :position AND {kind}", task=task.no, position=position)
        with store.reading() as connection:
            records = connection.select(ImportRow, clause, order="position", first=ROWS_TOGETHER)
        if not records:
            return
        yield records
        position = records[-1].position
