"""Result files of export tasks on disk: `{folder}/{task}/{stream}/{n}.ndjson`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from mockserver.exports.budget import Budget
from mockserver.exports.chunks import ChunkPlanner, Stream
from mockserver.world.database import JsonText

RESULT = "RESULT"
ERRORS = "ERRORS"


class Streams(msgspec.Struct, frozen=True):
    """The two streams of a task as its record keeps them."""

    RESULT: Stream = Stream()
    ERRORS: Stream = Stream()

    def named(self, name: str) -> Stream:
        return self.ERRORS if name == ERRORS else self.RESULT

    def text(self) -> JsonText:
        return JsonText(msgspec.json.encode(self).decode())


def parse_streams(text: str) -> Streams:
    """What `Streams.text` wrote."""
    return msgspec.json.decode(text, type=Streams)


class RowBatch(NamedTuple):
    """Some whole lines of NDJSON. They are counted where they are made: to count them in the text takes as long as to
    write it."""

    text: bytes
    lines: int


class Results:
    """One workspace's folder of results, in a space that all workspaces share."""

    def __init__(self, folder: Path, space: Budget) -> None:
        self._folder, self._space = folder, space
        space.keep(folder.glob("*"))

    def path(self, task_id: str, stream: str, file: str) -> Path:
        """All three names come from a task's record, never from a URL."""
        return self._folder / task_id / stream / file

    def write(self, task_id: str, stream: str, pieces: Iterable[RowBatch], written: Callable[[int], None]) -> Stream:
        """Cut pieces of whole lines into files; `written` hears the number of lines so far after each piece.

        Raises OutOfSpace.
        """
        cutter = ChunkPlanner()
        lines = 0
        name = ""
        file: BinaryIO | None = None
        try:
            for piece in pieces:
                place = cutter.place(len(piece.text), piece.lines)
                if file is None or place != name:
                    if file is not None:
                        file.close()
                    name, file = place, self._create(task_id, stream, place)
                self._space.take(self._folder / task_id, len(piece.text))
                file.write(piece.text)
                lines += piece.lines
                written(lines)
        finally:
            if file is not None:
                file.close()
        return cutter.stream()

    def _create(self, task_id: str, stream: str, name: str) -> BinaryIO:
        path = self.path(task_id, stream, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")

    def finish(self, task_id: str) -> None:
        """All streams are written; they stay until space is needed."""
        self._space.finish(self._folder / task_id)

    def delete(self, task_id: str) -> None:
        self._space.delete(self._folder / task_id)

    def task_ids(self) -> list[str]:
        """Of the tasks that have files."""
        return [path.name for path in self._folder.glob("*")]
