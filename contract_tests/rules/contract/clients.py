"""Clients for the contract: the one that the page prints, and others that have one mistake each."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from contract_tests.rules.pages import files_of

page: dict[str, Any] = {"__name__": "exports"}
exec(compile(files_of("contract.md")["exports.py"], "exports.py", "exec"), page)
Json = dict[str, Any]

if TYPE_CHECKING:

    class Right:
        """The client of the page, for the checker of types."""

        task: str | None

        def __init__(self, **server: str) -> None: ...
        def export_rows(self, scope: Json, params: Json, filters: Json) -> Any: ...
        def export_errors(self) -> Any: ...
        def wait(self) -> None: ...
        def lines(self, stream: str) -> Any: ...
        def ask(self, document: str, **variables: Any) -> Any: ...

else:
    Right = page["Client"]


class IgnoresErrors(Right):
    def export_errors(self) -> list[Json]:
        return []


class ReadsOneFile(Right):
    def lines(self, stream: str) -> Iterator[Json]:
        for row in super().lines(stream):
            yield row
            self.read = getattr(self, "read", 0) + len(json.dumps(row))
            if self.read > 3_000_000:
                return


class DropsLastLine(Right):
    def lines(self, stream: str) -> list[Json]:
        return list(super().lines(stream))[:-1]


class ReadsText(Right):
    """Files are decoded before they are split."""

    encoding = "utf-8"

    def lines(self, stream: str) -> Iterator[Json]:
        task = {"task": self.task, "stream": stream}
        if self.ask(page["HEADER"], **task)["task"]["exportMetadataHeader"] is None:
            return
        file = self.ask(page["FILE"], **task, offset="0")["task"]["exportFileFromOffset"]
        for line in self.split(page["download"](file["file"]).decode(self.encoding)):
            yield json.loads(line)

    def split(self, text: str) -> list[str]:
        return text.split("\n")[:-1]


class SplitsAtSeparators(ReadsText):
    def split(self, text: str) -> list[str]:
        return text.splitlines()


class TakesLatin1(ReadsText):
    encoding = "iso-8859-1"


class HasFixedBuffer(ReadsText):
    def split(self, text: str) -> list[str]:
        return [line[: 1024 * 1024] for line in super().split(text)]


class NeedsHeader(Right):
    def lines(self, stream: str) -> Any:
        header = self.ask(page["HEADER"], task=self.task, stream=stream)["task"]["exportMetadataHeader"]
        int(header["totalSize"])
        return super().lines(stream)


class HidesFailure(Right):
    def wait(self) -> None:
        while self.ask(page["STATUS"], task=self.task)["task"]["status"] == "IN_PROGRESS":
            time.sleep(0.5)


class DoesNotWait(Right):
    def wait(self) -> None:
        self.ask(page["STATUS"], task=self.task)


class HidesRefusal(Right):
    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        try:
            return list(super().export_rows(scope, params, filters))
        except RuntimeError:
            return []


class IgnoresFilters(Right):
    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        return super().export_rows(scope, params, {})


class IgnoresParams(Right):
    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        return super().export_rows(scope, {}, filters)


class Caches(Right):
    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        self.cache = getattr(self, "cache", {})
        key = json.dumps([scope, params, filters])
        if key not in self.cache:
            self.cache[key] = list(super().export_rows(scope, params, filters))
        return self.cache[key]


class DoublesRows(Right):
    def lines(self, stream: str) -> list[Json]:
        rows = list(super().lines(stream))
        return rows + rows[:2]


class DropsFields(Right):
    def lines(self, stream: str) -> Iterator[Json]:
        for row in super().lines(stream):
            row["media_attributes"].pop("exif_rotation", None)
            yield row


class GivesLines(Right):
    def lines(self, stream: str) -> Any:
        return [json.dumps(row) for row in super().lines(stream)]


class GivesNothing(Right):
    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        return None


class LeavesChildren(Right):
    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        subprocess.Popen(["sleep", "1000"])
        return super().export_rows(scope, params, filters)


class LacksErrors:
    """A client that offers rows alone."""

    def __init__(self, **server: str) -> None:
        self.export_rows = Right(**server).export_rows


# Programs that do not keep the protocol: they keep it until the second request.


def misbehave(badly: Callable[[], None]) -> None:
    request = json.loads(input())
    print(json.dumps({"id": request["id"], "protocol": 1, "offers": ["export_rows"]}), flush=True)
    request = json.loads(input())
    if request["op"] == "close":  # the first client is only tried
        print(json.dumps({"id": request["id"], "end": True}), flush=True)
        misbehave(badly)
    badly()


def print_rubbish() -> None:
    print("Downloading… 10 %", flush=True)


def stay_silent() -> None:
    time.sleep(1000)


def die() -> None:
    raise SystemExit("no more memory")


def answer_wrong_types() -> None:
    print("[1, 2]", flush=True)


def answer_another() -> None:
    print('{"id": 77, "end": true}', flush=True)


def write_a_gigabyte() -> None:
    for _ in range(1024):
        os.write(1, b"x" * 1024 * 1024)


def fork_children() -> None:
    """Children keep the pipes open."""
    for _ in range(3):
        subprocess.Popen(["sleep", "1000"])
    raise SystemExit(3)


PROGRAMS = {
    bad.__name__: bad
    for bad in (print_rubbish, stay_silent, die, answer_wrong_types, answer_another, write_a_gigabyte, fork_children)
}

if __name__ == "__main__":
    import sys

    misbehave(PROGRAMS[sys.argv[1]])
