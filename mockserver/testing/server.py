"""The server as a child process, which ends with this process."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mockserver.processes import process_exists
from mockserver.testing.control import Control, leave_out_none
from mockserver.testing.errors import MockServerError, ServerDiedError
from mockserver.testing.own_environment import resolve_python
from mockserver.testing.progression import Pace
from mockserver.testing.workspace import MockWorkspace

__tracebackhide__ = True  # pytest: failures show the line of the test that called, and not this module
START_WITHIN = 60.0
"""Seconds. The first start of a scenario generates its world."""
STOP_WITHIN = 5.0
MISSING = (
    "\nThis environment lacks a dependency of the server. Install labelbox-mockserver with its dependencies, or let "
    'the server have an environment of its own: labelbox_server_python = "own"'
)
KEPT_SETTINGS = {"LABELBOX_MOCKSERVER_CACHE"}
"""Settings that a test's server inherits. A developer's other settings must not change its behaviour."""


class MockServer:
    """A `mockserver serve` on a free port; a context manager. Start and stop may be called twice.

    `python` may be the interpreter of another environment, or "own" for one that is made for the server once;
    `arguments` are further flags of `serve`. The server ends with the process `exit_with`, by default this one, even if
    that is killed.
    """

    def __init__(
        self,
        *arguments: str,
        scenario: str | None = None,
        seed: int | None = None,
        ends: str | None = None,
        payload_date: str | None = None,
        python: str | Path = sys.executable,
        exit_with: int | None = None,
        folder: Path | None = None,
    ) -> None:
        options = {
            "--scenario": resolve_scenario(scenario), "--seed": seed, "--ends": ends, "--payload-date": payload_date,
        }  # fmt: skip
        self._arguments = [*arguments, *_flags({flag: value for flag, value in options.items() if value is not None})]
        self._python = str(python)
        self._exit_with = os.getpid() if exit_with is None else exit_with
        self._given_folder = folder
        self._folder = Path()
        self._process: subprocess.Popen[bytes] | None = None
        self._ready: dict[str, Any] | None = None
        self._control: Control | None = None

    @classmethod
    def from_url(cls, url: str, *, control_token: str | None = None) -> MockServer:
        """Connects to a running server. One in a container or on another machine requires its control token."""
        server = cls()
        server._control = Control(url.rstrip("/"), token=control_token, describe_end=lambda: "Is the address right?")
        server._ready = server._control.call("GET", "ready") | {"url": url.rstrip("/")}
        return server

    @classmethod
    def join(cls, folder: Path) -> MockServer:
        """Joins a server that another process of the session started in this folder, and will stop."""
        server = cls(folder=folder)
        server._folder = folder
        server._ready = json.loads((folder / "ready.json").read_text("utf-8"))
        server._control = Control(server.url, token=server._token, describe_end=server._describe_end)
        return server

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts the server, and waits until GraphQL is served. Raises ServerDiedError with the server's output."""
        if self._ready is not None:
            return
        self._folder = self._given_folder or Path(tempfile.mkdtemp(prefix="mockserver-testing-"))
        try:
            self._spawn()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        self._control = Control(self.url, token=self._token, describe_end=self._describe_end)

    def stop(self) -> None:
        """Stops the server, and removes its files."""
        self._ready = self._control = None
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._given_folder is None and self._folder != Path():
            shutil.rmtree(self._folder, ignore_errors=True)

    def detach(self) -> None:
        """Lets the process run on: it ends with `exit_with`, or another process of the session stops it."""
        if self._process is not None:
            self._process.returncode = 0  # or Popen warns that it still runs, as it is meant to

    def workspace(
        self,
        *,
        scenario: str | None = None,
        seed: int | None = None,
        ends: str | None = None,
        payload_date: str | None = None,
        switches: Mapping[str, str] | None = None,
        api_key: str | None = None,
        incarnation: str | None = None,
        progression: Pace | dict[str, Pace] | None = None,
    ) -> MockWorkspace:
        """Creates a fresh workspace. `switches` choose forms by name, like `{"masks": "plain"}`; a reset keeps them.

        `incarnation` fixes the ids that are made at run time; without it they are new each time. `progression` is a
        progression for exports, or progressions by name.
        """
        options = {
            "scenario": resolve_scenario(scenario), "seed": seed, "ends": ends, "payload_date": payload_date,
            "switches": None if switches is None else dict(switches), "api_key": api_key, "incarnation": incarnation,
        }  # fmt: skip
        body = leave_out_none(options)
        workspace = MockWorkspace(self.control, self.control.call("POST", "workspaces", body))
        if progression is not None:
            by_name = isinstance(progression, dict) and not progression.keys() & {"looks", "seconds"}
            paces: dict[str, Any] = dict(progression) if by_name else {"exports": progression}  # type: ignore[arg-type]  # it is no number then
            workspace.progression.set(**paces)
        return workspace

    @property
    def own(self) -> MockWorkspace:
        """The workspace of the server's own key."""
        return MockWorkspace(self.control, self.ready)

    @property
    def control(self) -> Control:
        """Calls under `/_mock/`. Raises MockServerError if the server does not run."""
        if self._control is None:
            raise MockServerError("The server is not running: use `with MockServer() as server:` or call start() first")
        return self._control

    @property
    def ready(self) -> dict[str, Any]:
        """The content of the ready file."""
        if self._ready is None:
            raise MockServerError("The server is not running: use `with MockServer() as server:` or call start() first")
        return self._ready

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return str(self.ready["url"])

    @property
    def graphql_url(self) -> str:
        """The SDK's `endpoint`."""
        return f"{self.url}/graphql"

    @property
    def rest_url(self) -> str:
        """The SDK's `rest_endpoint`."""
        return f"{self.url}/api/v1"

    @property
    def api_key(self) -> str:
        """The server's own key."""
        return str(self.ready["api_key"])

    @property
    def _token(self) -> str:
        """The token that the control API requires from other machines."""
        return str(self.ready.get("control_token", self.api_key))

    @property
    def output(self) -> str:
        """The server's error stream so far."""
        with contextlib.suppress(OSError):
            return (self._folder / "stderr.txt").read_text("utf-8", "replace")
        return ""

    def _spawn(self) -> None:
        empty = self._folder / "empty"
        empty.mkdir(parents=True, exist_ok=True)  # no file in it can be read by chance
        with self._convert_errors(), (self._folder / "stderr.txt").open("wb") as stderr:
            self._python = resolve_python(self._python)
            self._process = self._popen(
                self._command(),
                cwd=empty,
                env=environment_without_settings(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )

    def _popen(self, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        """Starts the process. This project's tests replace it, to start hundreds of servers in less time."""
        return subprocess.Popen(command, **options)  # noqa: S603  a fixed command line

    @contextlib.contextmanager
    def _convert_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ServerDiedError(self._describe_failure(f"could not be started ({error})")) from None

    def _command(self) -> list[str]:
        ready_file = str(self._folder / "ready.json")
        flags = ["--port", "0", "--ready-file", ready_file, "--exit-with", str(self._exit_with)]
        return [self._python, "-m", "mockserver", "serve", *flags, *self._arguments]

    def _wait_until_ready(self) -> None:
        assert self._process is not None, "called after the process was started"
        deadline = time.monotonic() + START_WITHIN
        ready_file = self._folder / "ready.json"
        while not ready_file.exists():
            if (status := self._process.poll()) is not None:
                raise ServerDiedError(self._describe_failure(f"ended with status {status} before it was ready"))
            if time.monotonic() > deadline:
                raise ServerDiedError(self._describe_failure(f"was not ready within {START_WITHIN:.0f} s"))
            time.sleep(0.005)
        self._ready = json.loads(ready_file.read_text("utf-8"))

    def _describe_failure(self, what: str) -> str:
        hint = MISSING if "ModuleNotFoundError" in self.output else ""
        return f"`{' '.join(self._command())}` {what}. It wrote:\n{self.output or '(nothing)'}{hint}"

    def _describe_end(self) -> str:
        pid = int((self._ready or {}).get("pid", 0))
        state = "It is still running" if process_exists(pid) else f"It has ended{self._describe_signal()}"
        return f"{state}. It wrote:\n{self.output or '(nothing)'}"

    def _describe_signal(self) -> str:
        """The signal that ended the process, if this session started it: nothing else is known of a sudden end."""
        status = None if self._process is None else self._process.poll()
        if status is None or status >= 0:
            return ""
        try:
            return f" by {signal.Signals(-status).name}"
        except ValueError:  # a real-time signal has no name
            return f" by signal {-status}"


def resolve_scenario(scenario: str | None) -> str | None:
    """The absolute path of a scenario file, since the server runs in another folder; a name is unchanged."""
    return str(Path(scenario).absolute()) if scenario is not None and Path(scenario).is_file() else scenario


def _flags(options: dict[str, Any]) -> Sequence[str]:
    return [word for flag, value in options.items() for word in (flag, str(value))]


def environment_without_settings() -> dict[str, str]:
    """The environment in which the server is started."""
    settings = {name for name in os.environ if name.startswith("LABELBOX_MOCKSERVER_")} - KEPT_SETTINGS
    return {name: value for name, value in os.environ.items() if name not in settings}
