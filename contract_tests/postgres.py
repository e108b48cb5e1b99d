"""A private PostgreSQL cluster out of Debian's package: in a temporary folder, on a unix socket, gone at the end."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import psycopg

from contract_tests.processes import read_processor_seconds

READY_WITHIN_SECONDS = 120.0
INSTALLED_AT = Path("/usr/lib/postgresql")

# The cluster lives for one test run: durability would only cost time.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
}


_STARTER = ThreadPoolExecutor(1)
"""The kernel ends the server with the thread that has started it, so that one lives as long as this process."""


class PostgresMissing(Exception):
    """No PostgreSQL server programs on this machine."""


class PostgresNotReady(Exception):
    """The cluster could not be created or started; the message carries its log."""


class PrivateCluster:
    """To be used as a context manager; `dsn` names its database. A `durable` one keeps what it has committed when its
    processes are killed. With an address it listens there too, on the port 5432."""

    def __init__(self, *, durable: bool = False, address: str = "") -> None:
        self._own = {"synchronous_commit": "on"} if durable else {}
        self._own |= {"listen_addresses": address} if address else {}
        self._programs = newest_programs()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="pg-"))
        try:
            self._make()
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
    def dsn(self) -> str:
        return f"postgresql:///postgres?host={self._folder}&user=postgres"

    @property
    def socket(self) -> str:
        """The path of its unix socket."""
        return str(self._folder / ".s.PGSQL.5432")

    def processor_seconds(self) -> float:
        """The processor time that it has used with all of its processes."""
        return 0.0 if self._process is None else read_processor_seconds(self._process.pid, children=True)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGINT)  # SIGTERM would wait for clients that are still connected
            process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """Ends the server as an accident does, with its processes."""
        process, self._process = self._process, None
        assert process is not None
        process.send_signal(signal.SIGQUIT)  # an immediate shutdown: the next start recovers from the log
        process.wait()

    def restart(self) -> None:
        """Starts the server again."""
        self._start()
        self._wait_until_ready()

    def _make(self) -> None:
        if (account := account_to_run_as()) is not None:
            shutil.chown(self._folder, account)
        command = [str(self._programs / "initdb"), "--pgdata", str(self._data), "--username=postgres"]
        command += ["--auth=trust", "--no-sync", "--no-locale", "--encoding=UTF8", "--no-instructions"]
        initdb = subprocess.run(
            command, user=account, group=account, cwd=self._folder, capture_output=True, text=True, check=False
        )
        if initdb.returncode != 0:
            raise PostgresNotReady(f"initdb failed:\n{initdb.stderr}")

    def _start(self) -> None:
        command = [*build_command_ending_with_parent(), str(self._programs / "postgres"), "-D", str(self._data)]
        command += ["-k", str(self._folder)]
        for name, value in (SETTINGS | self._own).items():
            command += ["-c", f"{name}={value}"]
        with self._log.open("wb") as log:
            self._process = _STARTER.submit(self._spawn, command, log).result()

    def _spawn(self, command: list[str], log: BinaryIO) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not self._answers():
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise PostgresNotReady(f"PostgreSQL did not start:\n{self._log.read_text(errors='replace')}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.dsn).close()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "log.txt"


def newest_programs() -> Path:
    folders = [server.parent for server in INSTALLED_AT.glob("*/bin/postgres")]
    if not folders:
        raise PostgresMissing(
            f"No PostgreSQL server in {INSTALLED_AT}/*/bin. Install it with `apt-get install postgresql`,"
            " or run `make test`, which does so."
        )
    return max(folders, key=lambda folder: float(folder.parent.name))


def account_to_run_as() -> str | None:
    """PostgreSQL refuses to run as root; Debian's package brings the account `postgres`."""
    return "postgres" if os.geteuid() == 0 else None


def build_command_ending_with_parent() -> list[str]:
    """A killed test run leaves no server behind: the kernel then sends SIGINT, a fast shutdown."""
    command = ["setpriv", "--pdeathsig", "INT"]
    if (account := account_to_run_as()) is not None:
        group = pwd.getpwnam(account).pw_gid
        command += ["--reuid", account, "--regid", str(group), "--init-groups"]
    return [*command, "--"]
