"""Servers on one kept state that are killed and started again."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import apsw
import requests

from contract_tests.crash.killable import KILL_AT
from contract_tests.serving import environment_without_settings

HERE = Path(__file__).parent
SCENARIO = HERE / "small.toml"
READY_WITHIN = 180.0
"""Seconds, on a busy machine."""
TRACED_WITHIN = 5.0
"""Seconds until a server that is not ready has printed where its threads are."""


def build_killer(folder: Path) -> Path:
    """The library that counts steps, compiled now."""
    library = folder / "killer.so"
    command = ["gcc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(library), str(HERE / "killer.c"), "-ldl"]
    subprocess.run(command, check=True)
    return library


class Killed(Exception):
    """The server ended before it answered."""


class Killable:
    """A server on a state folder. It can kill itself at a given step, and can be started again."""

    def __init__(self, state: Path, killer: Path) -> None:
        self.state = state
        self._killer = killer
        self._kill_at = state.with_name(f"{state.name}.kill-at")
        self._ready_file = state.with_name(f"{state.name}.ready.json")
        self._log = state.with_name(f"{state.name}.log")
        self._process: subprocess.Popen[bytes] | None = None
        self.ready: dict[str, Any] = {}

    def start(self) -> None:
        """Starts the server, and waits until it answers."""
        self._ready_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "contract_tests.crash.killable", "serve", "--port", "0"]
        command += ["--state", str(self.state), "--ready-file", str(self._ready_file), "--scenario", str(SCENARIO)]
        command += ["--exit-with", str(os.getpid())]
        variables = {"LD_PRELOAD": str(self._killer), KILL_AT: str(self._kill_at)}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=environment_without_settings() | variables, stdout=log, stderr=log, cwd=HERE.parents[1]
            )
        deadline = time.monotonic() + READY_WITHIN
        while not self._ready_file.exists():
            assert self._process.poll() is None, f"it does not start: {self.log()}"
            assert time.monotonic() < deadline, self._describe_delay()
            time.sleep(0.005)
        self.ready = json.loads(self._ready_file.read_text())

    def _describe_delay(self) -> str:
        """Distinguishes a server that hangs from one that gets no processor: a start uses half a second of it."""
        assert self._process is not None
        used, waited, _ = Path(f"/proc/{self._process.pid}/schedstat").read_text().split()
        self._process.send_signal(signal.SIGUSR2)
        with suppress(subprocess.TimeoutExpired):  # it prints, and goes on
            self._process.wait(TRACED_WITHIN)
        return (
            f"it is not ready within {READY_WITHIN} s, of which it ran {int(used) / 1e9:.1f} s and waited "
            f"{int(waited) / 1e9:.1f} s for a processor: {self.log()}"
        )

    def log(self) -> str:
        """The output of all its processes until now."""
        return self._log.read_text("utf-8", "replace")

    def arm(self, step: int) -> None:
        """Kills it before its `step`-th change of a file from now on; 0 is never. Raises Killed if it has ended."""
        assert self._process is not None
        self._kill_at.write_text(str(step))
        self._process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + READY_WITHIN
        while self._kill_at.read_text():
            if self._process.poll() is not None:
                raise Killed
            assert time.monotonic() < deadline, "the signal did not arrive"
            time.sleep(0.001)

    def kill(self) -> None:
        """Kills it now."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def wait_for_its_end(self) -> None:
        assert self._process is not None
        assert self._process.wait(READY_WITHIN) == -signal.SIGKILL, self.log()

    def control(self, method: str, path: str, body: object = None, *, key: str | None = None) -> Any:
        """Calls the control API. Raises Killed if the server ends during the call."""
        query = {} if key is None else {"api_key": key}
        return self._send(method, f"/_mock/{path}", json=body, params=query)

    def ask(self, key: str, document: str, **variables: object) -> Any:
        """Sends a GraphQL document. Raises Killed if the server ends during the request."""
        headers = {"Authorization": f"Bearer {key}"}
        answer = self._send("POST", "/graphql", json={"query": document, "variables": variables}, headers=headers)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def send_file(self, key: str, document: str, content: bytes, **variables: object) -> Any:
        """Sends a GraphQL document with a file. Raises Killed if the server ends during the request."""
        operations = {"query": document, "variables": {**variables, "file": None, "contentLength": len(content)}}
        files: dict[str, tuple[str | None, str | bytes]] = {
            "operations": (None, json.dumps(operations)),
            "map": (None, '{"1": ["variables.file"]}'),
            "1": ("file", content),
        }
        answer = self._send("POST", "/graphql", files=files, headers={"Authorization": f"Bearer {key}"})
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def get(self, url: str) -> str:
        """The file of a link, which may still name the address that the server had before it was killed."""
        served, link = urlsplit(self.ready["url"]), urlsplit(url)
        response = requests.get(link._replace(netloc=served.netloc).geturl(), timeout=READY_WITHIN)
        assert response.status_code == 200, (url, response.text)
        return response.text

    def _send(self, method: str, path: str, **options: Any) -> Any:
        try:
            response = requests.request(method, self.ready["url"] + path, timeout=READY_WITHIN, **options)
        except requests.RequestException as error:
            raise Killed from error
        assert response.status_code < 300, (method, path, response.status_code, response.text)
        return response.json() if response.content else None


def find_broken_databases(state: Path) -> list[str]:
    """Databases of workspaces that SQLite finds damaged, each with what it says. No server may be running.

    A workspace that is still being created has a name that begins with a dot, and may be in any state.
    """
    broken = []
    for path in state.glob("workspaces/[!.]*/**/*.sqlite"):
        connection = apsw.Connection(str(path))
        verdict = connection.execute("PRAGMA integrity_check").fetchall()
        connection.close()
        if verdict != [("ok",)]:
            broken.append(f"{path.name}: {verdict}")
    return broken


def find_leftovers(state: Path) -> list[str]:
    """Files and folders of a served state that belong to no workspace and no served lifecycle."""
    left = [path.name for path in (state / "workspaces").iterdir() if path.name.startswith(".")]
    left += [str(path.relative_to(state)) for path in state.rglob("*.part")]
    for manifest in (state / "workspaces").glob("*/workspace.json"):
        known = {"workspace.json", "origin.sqlite", json.loads(manifest.read_bytes())["life"]}
        left += [str(path.relative_to(state)) for path in manifest.parent.iterdir() if path.name not in known]
    return left


def digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:16]
