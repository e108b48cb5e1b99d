"""A program that exports into a file and ends: its exit status, its file and its requests are judged."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from mockserver.contract.process import KEPT_STDERR, ClientError, Misconduct, shorten
from mockserver.errors import StartupError

MOST_FILE = 1024**3
"""Bytes of the file that are read."""
VARIABLES = {
    "graphql_url": "LABELBOX_GRAPHQL_URL",
    "rest_url": "LABELBOX_REST_URL",
    "api_key": "LABELBOX_API_KEY",
    "project": "LABELBOX_PROJECT",
}
"""The words of the command, as `{project}`, and the variables that have the same values."""


class Script:
    """Runs the program once for each export. It offers the rows of a project, with params that it always sends."""

    lasting = False
    pid = 0
    first_item_after: float | None = None

    def __init__(self, command: str, file: Path, params: Mapping[str, Any], *, silence: float) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise StartupError(f"--run is {command!r}, which a shell could not read: {error}") from None
        if not self._words:
            raise StartupError("--run is empty; expected a command, like 'python my_export.py {project}'")
        self._file, self._silence = file, silence
        self.fixed_params: Mapping[str, Any] | None = params
        self.stopped = False
        self.stderr = ""
        """The end of the last run's error stream."""
        self._server: dict[str, str] = {}

    def open(self, **server: str) -> list[str]:
        """Remembers the addresses for the next run."""
        self._server = server
        return ["export_rows"]

    def call(self, operation: str, **arguments: Any) -> Iterator[Any]:
        """Runs the program, and yields the rows of its file. Raises Misconduct, ClientError."""
        if operation != "export_rows" or arguments["filters"] or "project" not in arguments["scope"]:
            raise ClientError("NotOffered", "a script exports one project without filters")
        self._file.unlink(missing_ok=True)
        self._run({**self._server, "project": arguments["scope"]["project"]})
        yield from read_rows(self._file)

    def close(self) -> None:
        """Does nothing: between two runs no connection is open."""

    def stop(self) -> bool:
        self.stopped = True
        return True

    def kill(self) -> None:
        self.stop()

    def _run(self, values: dict[str, str]) -> None:
        words = [_fill(word, values) for word in self._words]
        environment = os.environ | {VARIABLES[name]: value for name, value in values.items()}
        with tempfile.TemporaryFile() as nothing:
            try:
                process = subprocess.Popen(  # noqa: S603  the user's own command
                    words,
                    env=environment,
                    stdin=nothing,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
            except OSError as error:
                raise Misconduct("not-started", f"{words[0]}: {error.strerror}") from None
        said = _Tail(process)
        try:
            status = process.wait(self._silence)
        except subprocess.TimeoutExpired:
            raise Misconduct("silent", f"it did not end within {self._silence:g} seconds") from None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            said.finish()
            self.stderr = said.text
        if status != 0:
            raise ClientError(f"exit status {status}", shorten(said.text[-1500:], 1500))


class _Tail:
    """Reads an error stream to its end, and keeps the end of it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None, "a pipe"
        self._stream = process.stderr
        self._parts: deque[bytes] = deque(maxlen=4)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        return b"".join(self._parts)[-KEPT_STDERR:].decode("utf-8", "replace").strip()

    def finish(self) -> None:
        self._thread.join()
        self._stream.close()

    def _read(self) -> None:
        while data := self._stream.read(KEPT_STDERR):
            self._parts.append(data)


def _fill(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word


def read_rows(file: Path) -> Iterator[Any]:
    """The rows of a file: one JSON object a line, or one JSON array. A file that is not there has none."""
    if not file.exists():
        return
    if file.stat().st_size > MOST_FILE:
        raise Misconduct("floods", f"{file} has {file.stat().st_size:,} bytes")
    content = file.read_bytes()
    if content.lstrip()[:1] == b"[":
        yield from _parse(content, file)
        return
    for line in content.split(b"\n"):
        if line.strip():
            yield _parse(line, file)


def _parse(text: bytes, file: Path) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        raise Misconduct("rubbish", f"{file} has {shorten(text.decode('utf-8', 'replace'))}") from None
