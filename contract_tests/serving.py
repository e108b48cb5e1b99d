"""The server as users run it: a child process, ready when it says so, gone when we are."""

import json
import os
import subprocess
import sys
import tempfile
import time
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

READY_WITHIN_SECONDS = 20.0
STOPPED_WITHIN_SECONDS = 5.0


class ServerNotReady(Exception):
    """The server died or stayed silent; the message carries what it wrote to stderr."""


class ServedWorld:
    """A running `mockserver serve`, to be used as a context manager.

    `python` may be the interpreter of another environment. The server runs in an empty folder, so that
    nothing it needs can come from the checkout by chance.
    """

    def __init__(self, *arguments: str, python: str | Path = sys.executable) -> None:
        self._arguments = arguments
        self._python = str(python)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="served-world-")
        try:
            self._start()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return str(self.ready["url"])

    @property
    def graphql_url(self) -> str:
        return str(self.ready["graphql_url"])

    @property
    def rest_url(self) -> str:
        return str(self.ready["rest_url"])

    @property
    def api_key(self) -> str:
        return str(self.ready["api_key"])

    @property
    def organization_id(self) -> str:
        return str(self.ready["organization_id"])

    @property
    def projects(self) -> dict[str, str]:
        return dict(self.ready["projects"])

    @cached_property
    def ready(self) -> dict[str, Any]:
        """The ready file, whole."""
        assert self._process is not None, "A ServedWorld has an address only inside its `with` block"
        content: dict[str, Any] = json.loads(self._ready_file.read_text())
        return content

    def ask(self, document: str, **variables: object) -> Any:
        """One GraphQL question with the world's own key; the answer's `data`."""
        response = requests.post(
            self.graphql_url,
            json={"query": document, "variables": variables},
            headers={"Authorization": f"Bearer {self.api_key}"},
            timeout=30,
        )
        answer = response.json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def stop(self) -> None:
        """May be called again without harm."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOPPED_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._folder.cleanup()

    @property
    def _ready_file(self) -> Path:
        return Path(self._folder.name) / "ready.json"

    @property
    def _stderr_file(self) -> Path:
        return Path(self._folder.name) / "stderr.txt"

    def _start(self) -> None:
        working_folder = Path(self._folder.name) / "empty"
        working_folder.mkdir()
        with self._stderr_file.open("wb") as stderr:
            self._process = subprocess.Popen(
                self._command(),
                cwd=working_folder,
                env=environment_without_our_settings(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )

    def _command(self) -> list[str]:
        command = [self._python, "-m", "mockserver", "serve", "--port", "0"]
        command += ["--ready-file", str(self._ready_file), "--exit-with", str(os.getpid())]
        return [*command, *self._arguments]

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not self._ready_file.exists():
            assert self._process is not None
            if (status := self._process.poll()) is not None:
                raise ServerNotReady(self._failure(f"ended with status {status} before it was ready"))
            if time.monotonic() > deadline:
                raise ServerNotReady(self._failure(f"was not ready within {READY_WITHIN_SECONDS:.0f} s"))
            time.sleep(0.01)

    def _failure(self, what: str) -> str:
        stderr = self._stderr_file.read_text(errors="replace")
        return f"`{' '.join(self._command())}` {what}. Its stderr:\n{stderr or '(nothing)'}"


def environment_without_our_settings() -> dict[str, str]:
    """A developer's own MOCKSERVER_… settings must not decide how a test's server behaves."""
    kept = {"MOCKSERVER_CACHE"}
    return {name: value for name, value in os.environ.items() if not name.startswith("MOCKSERVER_") or name in kept}
