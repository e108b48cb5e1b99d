"""The two streams of an export task, as files `results/{task}/{stream}/{n}.ndjson`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from mockserver.conversion import decode
from mockserver.exports.chunks import ChunkPlanner, Stream
from mockserver.results.budget import Budget
from mockserver.results.files_writer import open_files_writer
from mockserver.results.interface import ResultFile, Results
from mockserver.world.record import JsonText

RESULT = "RESULT"
ERRORS = "ERRORS"
FOLDER = "results"


class Streams(msgspec.Struct, frozen=True):
    """The two streams of a task as its record keeps them."""

    RESULT: Stream = Stream()
    ERRORS: Stream = Stream()

    def stream(self, name: str) -> Stream:
        return self.ERRORS if name == ERRORS else self.RESULT

    def text(self) -> JsonText:
        return JsonText(msgspec.json.encode(self).decode())


def parse_streams(text: str) -> Streams:
    """Parses the text that `Streams.text` returned."""
    return decode(text, Streams)


class RowBatch(NamedTuple):
    """Some whole lines of NDJSON. They are counted where they are rendered: counting them in the text would take
    as long as writing it."""

    text: bytes
    lines: int


def file_name(task_id: str, stream: str, file: str) -> str:
    """The name of a file among the results. All three parts come from a task's record, never from a URL."""
    return f"{_task_name(task_id)}/{stream}/{file}"


def _task_name(task_id: str) -> str:
    return f"{FOLDER}/{task_id}"


class TaskResults:
    """The files of one workspace's export tasks, within a budget that all workspaces share."""

    def __init__(self, results: Results, budget: Budget) -> None:
        """Counts the files of an earlier run."""
        self._results, self._budget = results, budget
        files: dict[str, list[ResultFile]] = defaultdict(list)
        for file in results.list(FOLDER):
            files[_task_name(_task_id(file))].append(file)
        budget.add_finished(results, files)

    def write(
        self, task_id: str, stream: str, batches: Iterable[RowBatch], report_lines: Callable[[int], None]
    ) -> Stream:
        """Divides batches of whole lines into files. Calls `report_lines` with the number of lines so far after each
        batch. Raises OutOfSpace, ResourceFailed.
        """
        plan = ChunkPlanner()
        lines = 0
        writer = open_files_writer(self._results)
        try:
            for batch in batches:
                file = plan.place(len(batch.text), batch.lines)
                self._budget.take(self._results, _task_name(task_id), len(batch.text))
                writer.write(file_name(task_id, stream, file), batch.text)
                lines += batch.lines
                report_lines(lines)
            writer.close()
        except BaseException:
            writer.abandon()
            raise
        return plan.build_stream()

    def finish(self, task_id: str) -> None:
        """Marks all streams of a task as written; they stay until space is needed."""
        self._budget.finish(self._results, _task_name(task_id))

    def delete(self, task_id: str) -> None:
        """Deletes the files of a task."""
        self._budget.delete(self._results, _task_name(task_id))

    def task_ids(self) -> list[str]:
        """The tasks that have files."""
        return list(dict.fromkeys(map(_task_id, self._results.list(FOLDER))))


def _task_id(file: ResultFile) -> str:
    return file.name.split("/")[1]
