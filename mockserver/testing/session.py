"""One server for all workers of a pytest session; they find it through a folder whose name they share."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from mockserver.testing.errors import ServerDiedError
from mockserver.testing.own_environment import MADE_WITHIN, OWN
from mockserver.testing.server import START_WITHIN, MockServer


def folder_of(session: str) -> Path:
    return Path(tempfile.gettempdir()) / f"mockserver-session-{session}"


def connect(url: str, control_token: str | None) -> MockServer:
    """Connects to a server that runs already. Raises ServerDiedError."""
    return MockServer.from_url(url, control_token=control_token)


def start(session: str, parent: int, python: str | None) -> MockServer:
    """The session's server: the first worker starts it, the others wait. Raises ServerDiedError in all of them."""
    folder = folder_of(session)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return _join(folder, START_WITHIN + (MADE_WITHIN if python == OWN else 0))
    options: dict[str, Any] = {} if python is None else {"python": python}
    server = MockServer(exit_with=parent, folder=folder, **options)
    try:
        server.start()
    except ServerDiedError as error:
        (folder / "failed.part").write_text(str(error), "utf-8")
        (folder / "failed.part").replace(folder / "failed.txt")
        raise
    server.detach()
    return server


def _join(folder: Path, within: float) -> MockServer:
    """Waits for the server that another worker starts."""
    deadline = time.monotonic() + within
    while not (folder / "ready.json").exists():
        if (folder / "failed.txt").exists():
            raise ServerDiedError((folder / "failed.txt").read_text("utf-8"))
        if time.monotonic() > deadline:
            raise ServerDiedError(
                f"Another pytest worker started the mock server, but it was not ready within {within:.0f} s ({folder})"
            )
        time.sleep(0.01)
    return MockServer.join(folder)


def stop(session: str) -> None:
    """Ends the session's server, if there is one, and removes its folder."""
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
            pass  # it has ended already
    shutil.rmtree(folder, ignore_errors=True)


def _wait_for_end(folder: Path) -> None:
    """Waits until the server has removed its ready file, its last step."""
    deadline = time.monotonic() + 5
    while (folder / "ready.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
