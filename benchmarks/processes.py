"""Child processes: started, asked, weighed, ended."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.environments import REPOSITORY
from contract_tests.serving import environment_without_settings

STOPPED_WITHIN_SECONDS = 5.0
MEBIBYTE = 1024  # in the kB of /proc


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a folder of its own, silent, ended when the block is left."""
    silence = subprocess.DEVNULL
    process = subprocess.Popen(
        command, cwd=folder, env=environment_without_settings(), stdin=silence, stdout=silence, stderr=silence
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOPPED_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def child(module: str, **arguments: object) -> subprocess.Popen[str]:
    """One of our own client programs, beginning its work; it prints its findings as JSON."""
    command = [sys.executable, "-m", module, json.dumps(arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=REPOSITORY, stdin=pipe, stdout=pipe, text=True)


def findings(process: subprocess.Popen[str]) -> Any:
    """What a child found, when it has ended; those that go on until they are stopped see their stdin end now."""
    output, _ = process.communicate()
    assert process.returncode == 0, f"{process.args!r} ended with status {process.returncode}"
    return json.loads(output)


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def memory(pid: int, name: str) -> float:
    """MiB: `VmRSS` is what the process holds now, `VmHWM` the most it held."""
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
    assert match is not None, f"/proc/{pid}/status must have a line {name}"
    return int(match[1]) / MEBIBYTE


def processor_seconds(pid: int) -> float:
    """What all threads of a process have used so far, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def forget_peak(pid: int) -> None:
    """Let VmHWM begin anew, where that is permitted."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    except OSError as error:
        print(f"  (the peak of memory includes start-up: {error})")
