"""One server for all workers of a pytest session, found through a folder whose name they share."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

from mockserver.testing.errors import ServerDiedError
from mockserver.testing.server import START_WITHIN, MockServer


def folder_of(session: str) -> Path:
    return Path(tempfile.gettempdir()) / f"mockserver-session-{session}"


def attached(url: str, control_token: str | None) -> MockServer:
    """A server that runs already. Raises ServerDiedError."""
    return MockServer.at(url, control_token=control_token)


def started(session: str, parent: int, python: str | None) -> MockServer:
    """The session's server: whoever asks first starts it, the others wait. Raises ServerDiedError in all of them."""
    folder = folder_of(session)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return _joined(folder)
    options = {} if python is None else {"python": python}
    server = MockServer(exit_with=parent, folder=folder, **options)  # type: ignore[arg-type]
    try:
        server.start()
    except ServerDiedError as error:
        (folder / "failed.part").write_text(str(error), "utf-8")
        (folder / "failed.part").replace(folder / "failed.txt")
        raise
    server.leave()
    return server


def _joined(folder: Path) -> MockServer:
    """The server another worker has started, or starts now."""
    deadline = time.monotonic() + START_WITHIN
    while not (folder / "ready.json").exists():
        if (folder / "failed.txt").exists():
            raise ServerDiedError((folder / "failed.txt").read_text("utf-8"))
        if time.monotonic() > deadline:
            raise ServerDiedError(f"Another worker began to start the mock server, and it never was ready ({folder})")
        time.sleep(0.01)
    return MockServer.running(folder)


def stop(session: str) -> None:
    """End the session's server, if there is one, and remove its folder."""
    folder = folder_of(session)
    try:
        pid = int(json.loads((folder / "ready.json").read_text("utf-8"))["pid"])
    except (OSError, ValueError, KeyError):
        pid = 0
    if pid:
        try:
            os.kill(pid, signal.SIGTERM)
            _wait_for_end(folder)
        except ProcessLookupError:
            pass  # it is gone already
    shutil.rmtree(folder, ignore_errors=True)


def _wait_for_end(folder: Path) -> None:
    """The server removes its ready file when it has closed everything."""
    deadline = time.monotonic() + 5
    while (folder / "ready.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
