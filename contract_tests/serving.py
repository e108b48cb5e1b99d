"""A served world for tests: the harness that users have, and a way to ask it."""

import contextlib
import json
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests

from contract_tests.processes import read_processor_seconds
from contract_tests.waiting import PATIENCE
from mockserver.links import Links
from mockserver.testing.control import Control
from mockserver.testing.server import MockServer, environment_without_settings

__all__ = ["ServedWorld", "environment_without_settings"]


STATE_KINDS = ("folder", "postgres", "replicas")
"""What the worlds of a test session are kept in: `pytest --state-kind`. The last one is PostgreSQL with an object
store, used by three servers behind a splitter, which gives each connection to the next of them."""
REPLICAS = 3


def add_store(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Lets results go to a prefix of their own in the session's object store."""
    if "--results" in arguments:
        return arguments
    from contract_tests.s3 import BUCKET, start_store

    start_store()
    return (*arguments, "--results", f"s3://{BUCKET}/{uuid.uuid4().hex}")


class ServedWorld(MockServer):
    """A running `mockserver serve`, used as a context manager; its own workspace is asked directly.

    Its state is of the kind that the session tests, unless the arguments name another.
    """

    state_kind = STATE_KINDS[0]
    popen: type[subprocess.Popen[bytes]] = subprocess.Popen
    """What starts the process. Sessions of tests choose forks (forking.py); a test of starts, ends or memory starts an
    interpreter: `popen=subprocess.Popen`."""

    database = ""
    """The address of the database, if the session's states are in one."""

    def __init__(self, *arguments: str, popen: type[subprocess.Popen[bytes]] | None = None, **options: Any) -> None:
        if popen is not None:
            self.popen = popen
        self._others: list[MockServer] = []
        self._splitter: Any = None
        if self.state_kind != "folder" and "--state" not in arguments:
            from contract_tests.databases import create_database

            self.database = create_database()
            arguments = (*arguments, "--state", self.database)
            if self.state_kind == "replicas":
                arguments = add_store(arguments)
                self._others = [MockServer(*arguments, **options) for _ in range(REPLICAS - 1)]
        super().__init__(*arguments, **options)

    def _popen(self, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        start = self.popen if command[0] == sys.executable else subprocess.Popen
        return start(command, **options)

    def start(self) -> None:
        """Starts the server; with several replicas, `url` is the address of their splitter."""
        super().start()
        if not self._others or self._splitter is not None:
            return
        from contract_tests.replicas.splitter import Splitter

        try:
            for other in self._others:
                other.start()
            ports = [urlsplit(server.url).port or 0 for server in (self, *self._others)]
            self._splitter = Splitter([("127.0.0.1", port) for port in ports])
            self._splitter.__enter__()
        except BaseException:
            self.stop()
            raise
        text = json.dumps(self.ready).replace(self.url, self._splitter.url)
        self._ready = json.loads(text)
        self._control = Control(self.url, token=self._token, describe_end=self._describe_end)

    def stop(self) -> None:
        super().stop()
        for other in self._others:
            other.stop()
        splitter, self._splitter = self._splitter, None
        if splitter is not None:
            splitter.close()

    @property
    def output(self) -> str:
        """The error streams of all servers so far: only the one that answers a request writes about it."""
        return "".join([super().output, *(other.output for other in self._others)])

    def require_one_server(self) -> None:
        """Skips a test about the memory of a server where the session's worlds have several."""
        if self.state_kind == "replicas":
            import pytest  # the demonstration serves a world where no pytest is installed

            pytest.skip("several servers serve the world, and the test reads the memory of one")

    @classmethod
    def remove_addresses(cls, text: str) -> str:
        """A text without the addresses of servers where several serve the session's worlds: without `--public-url`, a
        message names the one that sends it, and an answer the one that was asked."""
        return re.sub(r"http://127\.0\.0\.1:\d+/", "/", text) if cls.state_kind == "replicas" else text

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process of the server, for tests that stop or kill it."""
        assert self._process is not None, "the server was started"
        return self._process

    @property
    def organization_id(self) -> str:
        return str(self.ready["organization_id"])

    @property
    def projects(self) -> dict[str, str]:
        return dict(self.ready["projects"])

    @property
    def state_folder(self) -> Path:
        """The folder of the server's state, which it holds locked. A test that looks into it is skipped where the
        session's states are in a database."""
        if self.state_kind != "folder":
            import pytest  # the demonstration serves a world where no pytest is installed

            pytest.skip("the state is in PostgreSQL, and the test looks into a state folder")
        held = set()
        for descriptor in Path(f"/proc/{self.ready['pid']}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed in the meantime
                held.add(descriptor.readlink())
        [state] = [folder for folder in held if (folder / "workspaces").is_dir()]
        return state

    def processor_seconds(self) -> float:
        """The processor time that the servers and their database have used, which other programs of a busy machine do
        not change."""
        pids = [server.ready["pid"] for server in (self, *self._others)]
        database = 0.0
        if self.database:
            from contract_tests.databases import start_cluster

            database = start_cluster().processor_seconds()
        return database + sum(map(read_processor_seconds, pids))

    @property
    def links(self) -> Links:
        """The links of the server's own workspace, by its secret, which only the owner of its files can read."""
        paths = self.state_folder.glob("workspaces/*/workspace.json")
        manifests = [msgspec.json.decode(path.read_bytes()) for path in paths]
        [secret] = [manifest["secret"] for manifest in manifests if manifest["api_key"] == self.api_key]
        return Links.from_secret(secret)

    def ask(self, document: str, **variables: object) -> Any:
        """One GraphQL question with the world's own key; the answer's `data`."""
        response = requests.post(
            self.graphql_url,
            json={"query": document, "variables": variables},
            headers={"Authorization": f"Bearer {self.api_key}"},
            timeout=PATIENCE,
        )
        answer = response.json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]
