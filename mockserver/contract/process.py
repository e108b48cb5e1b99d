"""A client's process: requests on its stdin, answers on its stdout, one JSON object a line, every wait bounded.

A client that does not keep the protocol is ended with all processes it started, and the mistake has a name.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
import orjson

from mockserver.contract.driver import PROTOCOL

MOST_LINE = 256 * 1024**2
"""Bytes of one answer. The largest row of a case has 16 MiB, which escapes make up to six times as long."""
MOST_ITEMS = 2_000_000
"""Items of one operation."""
KEPT_STDERR = 16 * 1024
"""Bytes of the end of the error stream that are shown."""
SILENCE = 60.0
"""Seconds without an answer after which a client is ended."""
READ = 1024 * 1024
TOTAL = 10
"""An operation may take so many times the longest silence."""
ENDS_WITHIN = 15.0
"""Seconds that a process has to end when its stdin is closed: an SDK on a busy machine takes some."""


class Misconduct(Exception):
    """The client did not keep the protocol. `mistake` is its name in the table of mistakes."""

    def __init__(self, mistake: str, detail: str) -> None:
        super().__init__(detail)
        self.mistake = mistake


class ClientError(Exception):
    """The client reported an error of its own. `kind` is the type that it named."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind

    @property
    def not_offered(self) -> bool:
        return self.kind.rpartition(".")[2] in {"NotImplementedError", "NotOffered"}


class TestedClient(Protocol):
    """A client as the cases see it."""

    stopped: bool
    pid: int
    first_item_after: float | None
    """Seconds from the last request to its first item."""
    lasting: bool
    """Whether it is one process for all exports."""
    fixed_params: Mapping[str, Any] | None
    """The params that it always sends, whatever a case says."""

    @property
    def stderr(self) -> str: ...

    def open(self, **server: str) -> list[str]: ...
    def call(self, operation: str, **arguments: Any) -> Iterator[Any]: ...
    def close(self) -> None: ...
    def stop(self) -> bool: ...
    def kill(self) -> None: ...


class Command(msgspec.Struct, frozen=True):
    """How a client is started."""

    words: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]


class ClientProcess:
    """A running client. `silence`: seconds without an answer after which it is ended."""

    lasting = True

    def __init__(self, command: Command, *, silence: float = SILENCE) -> None:
        self._silence = silence
        self._number = 0
        self._buffer = bytearray()
        self._searched = 0
        self._stderr: deque[bytes] = deque(maxlen=64)
        self.stopped = False
        self.fixed_params: Mapping[str, Any] | None = None
        self.first_item_after: float | None = None
        """Seconds from the last request to its first item."""
        try:
            self._process = subprocess.Popen(  # noqa: S603  the user's own command
                command.words,
                cwd=command.folder,
                env=dict(command.environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise Misconduct("not-started", f"{command.words[0]}: {error.strerror}") from None
        self.pid = self._process.pid
        assert self._process.stdout is not None, "a pipe"
        assert self._process.stderr is not None, "a pipe"
        self._selector = selectors.DefaultSelector()
        for stream, name in ((self._process.stdout, "stdout"), (self._process.stderr, "stderr")):
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ, name)

    @property
    def stderr(self) -> str:
        """The end of the client's error stream."""
        return b"".join(self._stderr)[-KEPT_STDERR:].decode("utf-8", "replace").strip()

    def open(self, **server: str) -> list[str]:
        """Creates a client of one workspace, and returns the operations it offers. Raises Misconduct, ClientError."""
        answer = self._request("open", server)
        if answer.get("protocol") != PROTOCOL:
            raise Misconduct(
                "other-protocol", f"it answered `open` with protocol {answer.get('protocol')!r}; expected {PROTOCOL}"
            )
        offers = answer.get("offers")
        if not isinstance(offers, list) or not all(isinstance(name, str) for name in offers):
            raise Misconduct("wrong-types", f"`offers` is {shorten(offers)}; expected a list of names")
        return offers

    def call(self, operation: str, **arguments: Any) -> Iterator[Any]:
        """Yields the items of an operation. Raises Misconduct, ClientError."""
        self._send(operation, arguments)
        began = time.monotonic()
        self.first_item_after = None
        for _ in range(MOST_ITEMS):
            answer = self._read(began)
            if answer.get("end") is True:
                return
            if "item" not in answer:
                raise Misconduct("wrong-types", f"it answered {shorten(answer)}; expected an `item`, `end` or `error`")
            if self.first_item_after is None:
                self.first_item_after = time.monotonic() - began
            yield answer["item"]
        raise Misconduct("floods", f"it answered `{operation}` with more than {MOST_ITEMS:,} items")

    def close(self) -> None:
        """Closes the client of a workspace; the process stays. Raises Misconduct, ClientError."""
        self._request("close", {})

    def stop(self) -> bool:
        """Ends the process, and all that it started. Returns whether it ended by itself and left none of them."""
        if self.stopped:
            return True
        self.stopped = True
        assert self._process.stdin is not None, "a pipe"
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        alone = self._wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
            alone = False
        self._process.wait()
        self._drain()
        self._selector.close()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None, "a pipe"
            stream.close()
        return alone

    def kill(self) -> None:
        """Ends the process and all that it started immediately."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.stop()

    def _wait(self) -> bool:
        deadline = time.monotonic() + ENDS_WITHIN
        while time.monotonic() < deadline:
            self._drain()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.02)
                return True
        return False

    def _drain(self) -> None:
        """Reads what an ending client still writes, so that it is not blocked."""
        for key, _ in self._selector.select(0):
            with contextlib.suppress(OSError):
                os.read(key.fd, READ)

    def _request(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self._send(operation, arguments)
        return self._read(time.monotonic())

    def _send(self, operation: str, arguments: dict[str, Any]) -> None:
        assert self._process.stdin is not None, "a pipe"
        self._number += 1
        line = json.dumps({"id": self._number, "op": operation, "args": arguments}) + "\n"
        with contextlib.suppress(OSError):  # it has ended: what it has printed says why, and is read next
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()

    def _read(self, began: float) -> dict[str, Any]:
        """The next answer to the last request. Raises Misconduct, ClientError."""
        answer = self._parse(self._read_line(began))
        if answer.get("id") != self._number:
            raise Misconduct("wrong-id", f"it answered request {self._number} with the id {shorten(answer.get('id'))}")
        if "error" in answer:
            error = answer["error"]
            if not isinstance(error, dict):
                raise Misconduct(
                    "wrong-types", f"`error` is {shorten(error)}; expected an object with type and message"
                )
            raise ClientError(str(error.get("type", "error")), str(error.get("message", "")))
        return answer

    def _parse(self, line: bytes) -> dict[str, Any]:
        try:
            answer = orjson.loads(line)
        except ValueError:
            raise Misconduct("rubbish", f"it printed {shorten(line.decode('utf-8', 'replace'))}") from None
        if not isinstance(answer, dict):
            raise Misconduct("wrong-types", f"it answered {shorten(answer)}; expected a JSON object")
        return answer

    def _read_line(self, began: float) -> bytes:
        heard = time.monotonic()
        while True:
            end = self._buffer.find(b"\n", self._searched)
            if end >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 1]
                self._searched = 0
                return line
            self._searched = len(self._buffer)
            if self._searched > MOST_LINE:
                raise Misconduct("floods", f"it wrote {self._searched:,} bytes without the end of a line")
            now = time.monotonic()
            if now - heard > self._silence or now - began > TOTAL * self._silence:
                raise Misconduct("silent", f"it gave no complete answer for {self._silence:g} seconds")
            ended = self._process.poll() is not None
            if self._fill(min(1.0, self._silence)):
                heard = time.monotonic()
            elif ended:  # a child that it started may keep the pipe open
                raise self._describe_death()

    def _fill(self, timeout: float) -> bool:
        """Reads what the client wrote, and returns whether some of it was on stdout. Raises Misconduct."""
        heard = False
        for key, _ in self._selector.select(timeout):
            try:
                data = os.read(key.fd, READ)
            except BlockingIOError:
                continue
            if key.data == "stderr":
                self._stderr.append(data[-KEPT_STDERR:])
            elif data:
                self._buffer += data
                heard = True
            else:
                raise self._describe_death()
            if not data:
                self._selector.unregister(key.fileobj)
        return heard

    def _describe_death(self) -> Misconduct:
        try:
            status = self._process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            return Misconduct("died", "it closed its stdout")
        with contextlib.suppress(OSError, ValueError):
            assert self._process.stderr is not None, "a pipe"
            self._stderr.append(os.read(self._process.stderr.fileno(), READ)[-KEPT_STDERR:])
        said = f"; it wrote: {shorten(self.stderr[-1500:], 1500)}" if self.stderr else ""
        return Misconduct("died", f"it ended with status {status}{said}")


def shorten(value: Any, most: int = 200) -> str:
    """A value as one short text."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
    if not text.isprintable():
        text = "".join(mark if mark.isprintable() or mark == "\n" else ascii(mark)[1:-1] for mark in text)
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def build_command(words: Sequence[str], folder: Path) -> Command:
    return Command(tuple(words), folder, dict(os.environ))
