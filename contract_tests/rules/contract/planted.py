"""Further clients for the contract, each with one mistake that readers of exports make."""

import codecs
import datetime
import http.client
import json
import socket
import sys
import threading
import time
import unicodedata
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import urlsplit

from contract_tests.rules.contract.clients import Json, ReadsText, Right, TrustsFiles, page


class PutsKeyIntoUrl(Right):
    def __init__(self, **server: str) -> None:
        super().__init__(**server)
        self.graphql_url += f"?api_key={self.api_key}"


class PutsKeyIntoOtherUrl(Right):
    """By a name of its own, and for a file."""

    def read_file(self, stream: str, offset: int) -> tuple[bytes, int]:
        answer = self.ask(page["FILE"], task=self.task, stream=stream, offset=str(offset))
        file = answer["task"]["exportFileFromOffset"]
        return page["fetch"](f"{file['file']}&access={self.api_key}")[1], int(file["offsets"]["end"]) + 1


class LogsKey(Right):
    def ask(self, document: str, attempts: int = 5, **variables: Any) -> Any:
        sys.stderr.write(f"POST {self.graphql_url} Authorization: Bearer {self.api_key}\n")
        sys.stderr.flush()
        return super().ask(document, attempts, **variables)


class RaisesKey(Right):
    def wait(self) -> None:
        try:
            super().wait()
        except RuntimeError as error:
            raise RuntimeError(
                f"{error}; the request had the headers {{'Authorization': 'Bearer {self.api_key}'}}"
            ) from None


class Retries(Right):
    """Repeats queries immediately."""

    def ask(self, document: str, attempts: int = 5, **variables: Any) -> Any:
        for _ in range(attempts):
            body = json.dumps({"query": document, "variables": variables}).encode()
            request = urllib.request.Request(self.graphql_url, body, {"Authorization": f"Bearer {self.api_key}"})
            try:
                with urllib.request.urlopen(request) as response:
                    return json.load(response)["data"]
            except urllib.error.HTTPError as error:
                failure = error
        raise failure


class RepeatsRefusals(Right):
    def ask(self, document: str, attempts: int = 5, **variables: Any) -> Any:
        for _ in range(4):
            try:
                return super().ask(document, attempts, **variables)
            except RuntimeError as error:
                failure = error
                time.sleep(0.2)
        raise failure


class DownloadsTwice(Right):
    def read_file(self, stream: str, offset: int) -> tuple[bytes, int]:
        super().read_file(stream, offset)
        return super().read_file(stream, offset)


class MergesNames(Right):
    def lines(self, stream: str) -> list[Json]:
        return list({row["data_row"].get("external_id"): row for row in super().lines(stream)}.values())


class ReadsFloats(Right):
    """Parses numbers as a language does that has only floating-point numbers."""

    def lines(self, stream: str) -> Iterator[Json]:
        return (json.loads(json.dumps(row), parse_int=float) for row in super().lines(stream))


class RoundsNumbers(Right):
    def lines(self, stream: str) -> Iterator[Json]:
        return (
            json.loads(json.dumps(row), parse_float=lambda text: round(float(text), 3)) for row in super().lines(stream)
        )


class PrintsNumbers(Right):
    def lines(self, stream: str) -> Iterator[Json]:
        return (json.loads(json.dumps(row), parse_int=str) for row in super().lines(stream))


class DropsNulls(Right):
    def lines(self, stream: str) -> Iterator[Any]:
        return (drop_nulls(row) for row in super().lines(stream))


def drop_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: drop_nulls(item) for key, item in value.items() if item is not None}
    return [drop_nulls(item) for item in value] if isinstance(value, list) else value


class AddsFields(Right):
    def lines(self, stream: str) -> Iterator[Json]:
        return ({**row, "exported_by": "nightly"} for row in super().lines(stream))


class KeepsNoLabel(Right):
    def lines(self, stream: str) -> Iterator[Json]:
        for row in super().lines(stream):
            for project in row["projects"].values():
                project["labels"] = project["labels"][:0]
            yield row


class KeepsOneObject(Right):
    def lines(self, stream: str) -> Iterator[Json]:
        for row in super().lines(stream):
            for project in row["projects"].values():
                for label in project["labels"]:
                    label["annotations"]["objects"] = label["annotations"].get("objects", [])[:1]
            yield row


class CutsTexts(Right):
    """Cuts texts, as a narrow column of a database does."""

    def lines(self, stream: str) -> Iterator[Any]:
        return (cut_texts(row) for row in super().lines(stream))


def cut_texts(value: Any, most: int = 30) -> Any:
    if isinstance(value, dict):
        return {key: cut_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [cut_texts(item) for item in value]
    return value[:most] if isinstance(value, str) else value


class Normalizes(ReadsText):
    def split(self, text: str) -> list[str]:
        return super().split(unicodedata.normalize("NFKD", text))


class DecodesInParts(ReadsText):
    """Characters at the border of two parts are lost."""

    def lines(self, stream: str) -> Iterator[Json]:
        content, _ = self.read_file(stream, 0)
        parts = [content[at : at + 1021] for at in range(0, len(content), 1021)]
        text = "".join(codecs.decode(part, "utf-8", "replace") for part in parts)
        return (json.loads(line) for line in text.split("\n")[:-1])


class KeepsErrors(Right):
    def export_errors(self) -> list[Json]:
        self.errors = [*getattr(self, "errors", []), *super().export_errors()]
        return self.errors


class SendsOneFilter(Right):
    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        return super().export_rows(scope, params, dict(list(filters.items())[:1]))


class TurnsParamsOn(Right):
    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        return super().export_rows(scope, dict.fromkeys(params, True), filters)


class SyncsAfter(Right):
    """Changes after the timestamp, and not from it on."""

    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        if "last_activity_at" in filters:
            since = datetime.datetime.fromisoformat(filters["last_activity_at"][0]) + datetime.timedelta(seconds=1)
            filters = {"last_activity_at": [f"{since:%Y-%m-%dT%H:%M:%S}Z", None]}
        return super().export_rows(scope, params, filters)


class StopsAtEmptyDay(Right):
    stopped = False

    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        rows = [] if self.stopped else list(super().export_rows(scope, params, filters))
        self.stopped = self.stopped or not rows
        return rows


class AssumesFileSize(Right):
    """Takes files for parts of one size."""

    def lines(self, stream: str) -> Iterator[Json]:
        header = self.ask(page["HEADER"], task=self.task, stream=stream)["task"]["exportMetadataHeader"]
        for offset in range(0, int(header["totalSize"]) if header else 0, 1024 * 1024):
            content, _ = self.read_file(stream, offset)
            for line in content.split(b"\n"):
                if line:
                    yield json.loads(line)


class DoesNotWaitForLabels(Right):
    def export_labels_v1(self, project: str) -> Any:
        export = self.ask(page["LABELS"], project=project)["exportLabels"]
        return json.loads(page["fetch"](export["downloadUrl"])[1])


class TakesLabelsForLatin1(Right):
    def export_labels_v1(self, project: str) -> Any:
        export = self.ask(page["LABELS"], project=project)["exportLabels"]
        return json.loads(page["fetch"](export["downloadUrl"])[1].decode("iso-8859-1"))


class DropsSkippedLabels(Right):
    def export_labels_v1(self, project: str) -> list[Json]:
        return [label for label in super().export_labels_v1(project) if not label["Skipped"]]


class SkipsFailedFiles(Right):
    def read_file(self, stream: str, offset: int) -> tuple[bytes, int]:
        answer = self.ask(page["FILE"], task=self.task, stream=stream, offset=str(offset))
        file = answer["task"]["exportFileFromOffset"]
        try:
            status, content = page["fetch"](file["file"], 1)
        except OSError:
            status, content = 0, b""
        return content if status == 200 else b"", int(file["offsets"]["end"]) + 1


class GivesNothingAfterErrors(Right):
    def ask(self, document: str, attempts: int = 5, **variables: Any) -> Any:
        return super().ask(document, 1, **variables)

    def read_file(self, stream: str, offset: int) -> tuple[bytes, int]:
        answer = self.ask(page["FILE"], task=self.task, stream=stream, offset=str(offset))
        file = answer["task"]["exportFileFromOffset"]
        return page["fetch"](file["file"], 1)[1], int(file["offsets"]["end"]) + 1

    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        try:
            return list(super().export_rows(scope, params, filters))
        except (OSError, http.client.HTTPException):
            return []


class LeavesThread(Right):
    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        threading.Thread(target=time.sleep, args=(1000,)).start()
        return super().export_rows(scope, params, filters)


class YieldsPartsOfFiles(TrustsFiles):
    """Gives the rows of a part, and then the whole file again."""

    def lines(self, stream: str) -> Iterator[Json]:
        if self.ask(page["HEADER"], task=self.task, stream=stream)["task"]["exportMetadataHeader"] is None:
            return
        file = self.ask(page["FILE"], task=self.task, stream=stream, offset="0")["task"]["exportFileFromOffset"]
        with urllib.request.urlopen(file["file"]) as response:
            try:
                for line in response:
                    if not line.endswith(b"\n"):
                        break
                    yield json.loads(line)
            except OSError:
                pass
            else:
                if len(line) and line.endswith(b"\n"):
                    return
        yield from super().lines(stream)


class SendsKeyWithLinks(Right):
    def read_file(self, stream: str, offset: int) -> tuple[bytes, int]:
        answer = self.ask(page["FILE"], task=self.task, stream=stream, offset=str(offset))
        file = answer["task"]["exportFileFromOffset"]
        request = urllib.request.Request(file["file"], headers={"Authorization": f"Bearer {self.api_key}"})
        return page["fetch"](request)[1], int(file["offsets"]["end"]) + 1


class KeepsRows(Right):
    """Keeps all rows and the connection of each file."""

    connections: ClassVar[list[Any]] = []

    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        return list(super().export_rows(scope, params, filters))

    def read_file(self, stream: str, offset: int) -> tuple[bytes, int]:
        parts = urlsplit(self.graphql_url)
        self.connections.append(socket.create_connection((parts.hostname, parts.port)))
        return super().read_file(stream, offset)


class WaitsForComplete(Right):
    """Waits for an export that has failed, until its patience has ended."""

    def wait(self) -> None:
        for _ in range(10):
            if self.ask(page["STATUS"], task=self.task)["task"]["status"] == "COMPLETE":
                return
            time.sleep(0.3)
        raise TimeoutError


class SharesCache(Right):
    """Keeps rows for all clients of the process, by project: also for those of other organizations."""

    cache: ClassVar[dict[str, list[Json]]] = {}

    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        key = json.dumps([scope, params, filters])
        if key not in self.cache:
            self.cache[key] = list(super().export_rows(scope, params, filters))
        else:
            list(super().export_rows(scope, params, filters))
        return self.cache[key]
