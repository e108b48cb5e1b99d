"""An S3 server for tests: that of moto, as a child process which ends with this one. Objects are in its memory."""

import atexit
import functools
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

BUCKET = "results"
READY_WITHIN_SECONDS = 120.0
"""The first start compiles moto."""
TRIES = 5
PROGRAM = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", int(sys.argv[1]), verbose=False)
server.start()
sys.stdin.read()
server.stop()
"""


class S3Server:
    """To be used as a context manager. It may be stopped, and started again empty at the same address."""

    def __init__(self) -> None:
        self._port = find_free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which clients find the server."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "NO_PROXY": "127.0.0.1",
        }

    def start(self) -> None:
        """Another program may take the port between the search and the start: then another one is tried."""
        for _ in range(TRIES):
            if self._try():
                return
            self.stop()
            self._port = find_free_port()
        raise AssertionError("moto's server does not start")

    def _try(self) -> bool:
        """Starts the server. Returns False if it ends before it answers."""
        command = [sys.executable, "-c", PROGRAM, str(self._port)]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet)
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not self._create_bucket():
            if self._process.poll() is not None:
                return False
            assert time.monotonic() < deadline, "moto's server does not answer"
            time.sleep(0.05)
        return self._process.poll() is None

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _create_bucket(self) -> bool:
        try:
            with urlopen(Request(f"{self.url}/{BUCKET}", method="PUT"), timeout=60) as answer:
                return bool(answer.status == 200)
        except (URLError, ConnectionError, TimeoutError):
            return False


def find_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@functools.cache
def start_store() -> S3Server:
    """The server of this process and its children, which ends with it. Settings of the user's own are hidden."""
    server = S3Server()
    server.start()
    atexit.register(server.stop)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(server.environment)
    return server


@contextmanager
def s3_in_environment() -> Iterator[S3Server]:
    """A server that this process and its children find, and no other one: settings of the user's own are hidden."""
    with S3Server() as server, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in server.environment.items():
            patch.setenv(name, value)
        yield server
