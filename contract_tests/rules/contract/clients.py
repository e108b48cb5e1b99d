"""Clients for the contract: the one that the page prints, and others that have one mistake each."""

import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from contract_tests.rules.pages import files_of

page: dict[str, Any] = {"__name__": "exports"}
exec(compile(files_of("contract.md")["exports.py"], "exports.py", "exec"), page)
Json = dict[str, Any]

if TYPE_CHECKING:

    class Right:
        """The client of the page, for the checker of types."""

        task: str | None
        scope: Json
        params: Json
        graphql_url: str
        rest_url: str
        api_key: str

        def __init__(self, **server: str) -> None: ...
        def export_rows(self, scope: Json, params: Json, filters: Json) -> Any: ...
        def export_errors(self) -> Any: ...
        def export_labels_v1(self, project: str) -> Any: ...
        def frames(self, label: str) -> Any: ...
        def wait(self) -> None: ...
        def lines(self, stream: str) -> Any: ...
        def read_file(self, stream: str, offset: int) -> tuple[bytes, int]: ...
        def ask(self, document: str, attempts: int = 5, **variables: Any) -> Any: ...

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
        task: Json = {"task": self.task, "stream": stream}
        if self.ask(page["HEADER"], **task)["task"]["exportMetadataHeader"] is None:
            return
        file = self.ask(page["FILE"], **task, offset="0")["task"]["exportFileFromOffset"]
        for line in self.split(page["fetch"](file["file"])[1].decode(self.encoding)):
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


class PollsHastily(Right):
    def wait(self) -> None:
        while self.ask(page["STATUS"], task=self.task)["task"]["status"] == "IN_PROGRESS":
            pass


class PollsOn(Right):
    def wait(self) -> None:
        super().wait()
        for _ in range(6):
            self.ask(page["STATUS"], task=self.task)


class CreatesTwice(Right):
    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        list(super().export_rows(scope, params, filters))
        return super().export_rows(scope, params, filters)


class ReadsBeyondTheEnd(Right):
    def lines(self, stream: str) -> Iterator[Json]:
        yield from super().lines(stream)
        with contextlib.suppress(RuntimeError):
            self.ask(page["FILE"], task=self.task, stream=stream, offset="99999999999")


class KeepsKey(Right):
    """urllib sends headers of a request to every host that it is redirected to."""

    def frames(self, label: str) -> list[Json]:
        headers = {"Authorization": f"Bearer {self.api_key}"}
        request = urllib.request.Request(f"{self.rest_url}/frames/{label}", headers=headers)
        return [json.loads(line) for line in page["fetch"](request)[1].split(b"\n") if line]


class DropsFrame(Right):
    def frames(self, label: str) -> list[Json]:
        return list(super().frames(label))[1:]


class NeedsFrames(Right):
    def frames(self, label: str) -> list[Json]:
        request = urllib.request.Request(f"{self.rest_url}/frames/{label}")
        request.add_unredirected_header("Authorization", f"Bearer {self.api_key}")
        return [json.loads(line) for line in page["fetch"](request)[1].removesuffix(b"\n").split(b"\n")]


class RepeatsMutations(Right):
    def ask(self, document: str, attempts: int = 5, **variables: Any) -> Any:
        return super().ask(document, **variables)


class GivesUp(Right):
    def ask(self, document: str, attempts: int = 1, **variables: Any) -> Any:
        return super().ask(document, 1, **variables)


class TrustsFiles(Right):
    """Takes a file as it is, whatever its offsets say."""

    def read_file(self, stream: str, offset: int) -> tuple[bytes, int]:
        answer = self.ask(page["FILE"], task=self.task, stream=stream, offset=str(offset))
        file = answer["task"]["exportFileFromOffset"]
        return page["fetch"](file["file"])[1], int(file["offsets"]["end"]) + 1


class SkipsBrokenLines(TrustsFiles):
    def lines(self, stream: str) -> Iterator[Json]:
        if self.ask(page["HEADER"], task=self.task, stream=stream)["task"]["exportMetadataHeader"] is None:
            return
        for line in self.read_file(stream, 0)[0].split(b"\n"):
            with contextlib.suppress(ValueError):
                yield json.loads(line)


class ReusesLinks(Right):
    def read_file(self, stream: str, offset: int) -> tuple[bytes, int]:
        answer = self.ask(page["FILE"], task=self.task, stream=stream, offset=str(offset))
        file = answer["task"]["exportFileFromOffset"]
        while (fetched := page["fetch"](file["file"]))[0] != 200:
            pass
        return fetched[1], int(file["offsets"]["end"]) + 1


class HidesEverything(Right):
    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        try:
            return list(super().export_rows(scope, params, filters))
        except Exception:  # noqa: BLE001  the planted mistake
            return []


class SyncsLabels(Right):
    """Takes the dates of labels for those of changes."""

    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        if "last_activity_at" in filters:
            filters = {"label_created_at": [filters["last_activity_at"][0], "2099-01-01"]}
        return super().export_rows(scope, params, filters)


class KnowsKeys(Right):
    def lines(self, stream: str) -> Iterator[Json]:
        for row in super().lines(stream):
            if unknown := row.keys() - {"data_row", "media_attributes", "projects"}:
                raise ValueError(f"unknown keys {unknown}")
            yield row


class KnowsMedia(Right):
    def lines(self, stream: str) -> Iterator[Json]:
        return (row for row in super().lines(stream) if row["media_attributes"]["asset_type"] == "image")


class KnowsStatuses(Right):
    def lines(self, stream: str) -> Iterator[Json]:
        for row in super().lines(stream):
            for project in row["projects"].values():
                status = project["project_details"]["workflow_status"]
                project["project_details"]["workflow_status"] = {"DONE": "DONE"}.get(status, "TO_LABEL")
            yield row


class LosesLabel(Right):
    def export_labels_v1(self, project: str) -> list[Json]:
        return list(super().export_labels_v1(project))[1:]


class KeepsConnection(Right):
    connections: ClassVar[list[socket.socket]] = []

    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        parts = urlsplit(self.graphql_url)
        self.connections.append(socket.create_connection((parts.hostname, parts.port)))
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
