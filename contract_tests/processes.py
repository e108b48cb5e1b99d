"""Processes of tests: facts that are read from Linux, and their end."""

import os
import subprocess
from pathlib import Path

OWN, WITH_ENDED_CHILDREN = 2, 4


def read_processor_seconds(pid: int, *, children: bool = False) -> float:
    """The processor time that a process has used, and its children too if they are to be counted. Other programs of a
    busy machine do not change it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    times = fields[11 : 11 + (WITH_ENDED_CHILDREN if children else OWN)]
    seconds = sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
    return seconds + sum(map(read_child_seconds, list_children(pid) if children else []))


def read_child_seconds(pid: int) -> float:
    """The processor time of a child, 0 if it has ended: its parent counts it then."""
    try:
        return read_processor_seconds(pid)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def list_children(pid: int) -> list[int]:
    """The processes that a process of one thread has started, and that have not ended."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def end_process(process: subprocess.Popen[bytes], *, within: float = 10) -> None:
    """Asks a process to end, and kills it if it has not ended after `within` seconds."""
    process.terminate()
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
