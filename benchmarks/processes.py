"""Child processes: how they are started and stopped, what they print, and the memory and processor time they use."""

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
from contract_tests.processes import end_process
from contract_tests.serving import environment_without_settings

STOPPED_WITHIN_SECONDS = 5.0
KIBIBYTES_PER_MEBIBYTE = 1024  # /proc writes kB for KiB


@contextmanager
def start_process(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a silent process in the folder, until the block is left."""
    silence = subprocess.DEVNULL
    process = subprocess.Popen(
        command, cwd=folder, env=environment_without_settings(), stdin=silence, stdout=silence, stderr=silence
    )
    try:
        yield process
    finally:
        end_process(process, within=STOPPED_WITHIN_SECONDS)


def start_child(module: str, **arguments: object) -> subprocess.Popen[str]:
    """Starts a client program of the benchmarks, which prints its findings as JSON."""
    command = [sys.executable, "-m", module, json.dumps(arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=REPOSITORY, stdin=pipe, stdout=pipe, text=True)


def read_findings(process: subprocess.Popen[str]) -> Any:
    """Waits for the child's end and parses its findings. Its stdin is closed, the signal to stop for some."""
    output, _ = process.communicate()
    assert process.returncode == 0, f"{process.args!r} ended with status {process.returncode}"
    return json.loads(output)


def find_free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def read_memory(pid: int, name: str) -> float:
    """MiB. `VmRSS` is the memory that the process uses now, `VmHWM` its peak."""
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
    assert match is not None, f"/proc/{pid}/status must have a line {name}"
    return int(match[1]) / KIBIBYTES_PER_MEBIBYTE


def read_processor_seconds(pid: int) -> float:
    """The processor time of all threads of a process until now, in user and system mode."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def reset_peak(pid: int) -> None:
    """Lets VmHWM start again from the present memory, where that is permitted."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    except OSError as error:
        print(f"  (the peak of memory includes start-up: {error})")
