"""Replicas of the server as processes on fixed ports, each started again when it has ended, as a supervisor does."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import requests

from contract_tests.processes import end_process, read_processor_seconds
from contract_tests.replicas.splitter import Splitter
from contract_tests.s3 import find_free_port
from contract_tests.serving import environment_without_settings
from mockserver.serving.deadline import UNFINISHED

READY_WITHIN = 180.0
"""Seconds, on a busy machine, or while the database is away."""
STARTED_AGAIN_AFTER = 0.2
REFUSED_TO_START = 2
"""The status of a server that ends because its database does not answer."""
PLANNED_ENDS = {0, REFUSED_TO_START, UNFINISHED, -signal.SIGKILL, -signal.SIGTERM}
"""A crash has the status of UNFINISHED as well, and a traceback."""


class Replica:
    """One process at a fixed address."""

    def __init__(self, number: int, folder: Path, arguments: Sequence[str], environment: dict[str, str]) -> None:
        self.number, self.port = number, find_free_port()
        self._arguments, self._environment = arguments, environment
        self._ready_file = folder / f"replica-{number}.json"
        self._log = folder / f"replica-{number}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.ends: list[int] = []
        """The statuses with which its processes have ended."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        pid = self.find_pid()
        assert pid is not None
        return pid

    def find_pid(self) -> int | None:
        """Its process; None between two of them."""
        process = self._process
        return None if process is None else process.pid

    @property
    def log(self) -> str:
        """The output of all its processes until now."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    @property
    def ready(self) -> dict[str, Any]:
        """The content of its ready file."""
        content: dict[str, Any] = json.loads(self._ready_file.read_text("utf-8"))
        return content

    def start(self) -> None:
        self._ready_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "mockserver", "serve", *self._arguments]
        command += ["--port", str(self.port), "--ready-file", str(self._ready_file), "--exit-with", str(os.getpid())]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._log.parent, env=environment_without_settings() | self._environment, stdout=log,
                stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def has_ended(self) -> bool:
        """Whether it has to be started again."""
        if self._process is None:
            return False
        if (status := self._process.poll()) is not None:
            self.ends.append(status)
            self._process = None
        return status is not None

    def is_healthy(self) -> bool:
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/_mock/health", timeout=5).status_code == 200
        return False

    def send(self, number: signal.Signals) -> None:
        """Sends a signal. A process that has ended in the meantime does not get it."""
        with suppress(ProcessLookupError, AssertionError):
            os.kill(self.pid, number)

    def processor_seconds(self) -> float:
        return read_processor_seconds(self.pid)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            end_process(process)


class Replicas:
    """Several replicas behind a splitter; a context manager. `environments` are those of each, for example the address
    under which it finds the database."""

    def __init__(
        self, folder: Path, states: Sequence[str], *arguments: str, environment: dict[str, str] | None = None
    ) -> None:
        """`states` are the addresses of the database by which each replica reaches it."""
        variables = environment or {}
        self.all = [
            Replica(number, folder, ["--state", state, *arguments], variables) for number, state in enumerate(states, 1)
        ]
        self.splitter = Splitter([("127.0.0.1", replica.port) for replica in self.all], checked=True)
        self._stopped = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    @property
    def url(self) -> str:
        """The address of the splitter."""
        return self.splitter.url

    def __enter__(self) -> Self:
        try:
            for replica in self.all:
                replica.start()
            self._supervisor.start()
            self.splitter.__enter__()
            self.wait_until_healthy()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self._supervisor.ident is not None:
            self._supervisor.join()
        for replica in self.all:
            replica.stop()
        self.splitter.close()

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + READY_WITHIN
        for replica in self.all:
            while not replica.is_healthy():
                assert time.monotonic() < deadline, f"replica {replica.number} is not ready: {replica.log[-5000:]}"
                time.sleep(0.05)

    def wait_until_replaced(self, replica: Replica, pid: int) -> None:
        """Waits until another process than this one is healthy at the address of a replica."""
        deadline = time.monotonic() + READY_WITHIN
        while replica.find_pid() in {None, pid} or not replica.is_healthy():
            assert time.monotonic() < deadline, f"replica {replica.number} is not replaced: {replica.log[-5000:]}"
            time.sleep(0.05)

    def _supervise(self) -> None:
        while not self._stopped.wait(STARTED_AGAIN_AFTER):
            for replica in self.all:
                if replica.has_ended():
                    replica.start()

    def list_crashes(self) -> list[str]:
        """Ends that nobody has caused, and tracebacks."""
        crashes = [
            f"replica {replica.number} ended with status {status}"
            for replica in self.all
            for status in replica.ends
            if status not in PLANNED_ENDS
        ]
        return crashes + [
            f"replica {replica.number} logged {trace}" for replica in self.all for trace in find_traces(replica.log)
        ]


def find_traces(log: str) -> list[str]:
    """The tracebacks in a log, each with the line in front of it and the error at its end."""
    lines, traces = log.splitlines(), []
    for start, line in enumerate(lines):
        if line.startswith("Traceback"):
            end = next((at for at in range(start + 1, len(lines)) if not lines[at].startswith(" ")), len(lines) - 1)
            traces.append("\n".join(lines[max(start - 1, 0) : end + 1]))
    return traces
