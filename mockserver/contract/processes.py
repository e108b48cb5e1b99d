"""The cases about the client's process."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from mockserver.certification.cases import Level
from mockserver.contract.cases import Case, Profile, World
from mockserver.contract.process import ClientError
from mockserver.contract.trial import Trial

IMAGE = {"project": "image"}
SOCKETS = Path("/proc/net/tcp")
MORE_CLIENTS = 3
OPEN = ("01", "08")
"""Established, or closed by the server alone (Linux, include/net/tcp_states.h)."""


def require_process(trial: Trial) -> None:
    """Raises ClientError for a client that is no lasting process."""
    if not trial.client.lasting:
        raise ClientError("NotOffered", "a script ends after each export")


def _end_alone(trial: Trial) -> None:
    """When its stdin is closed the process ends, and no process that it started remains."""
    require_process(trial)
    trial.check_export(IMAGE)
    trial.close()
    if not trial.client.stop():
        trial.find("children-left", "it did not end when its stdin was closed, or a process that it started remained")


def _close_connections(trial: Trial) -> None:
    """Clients may share a pool of connections, so those of one client are compared with those of several."""
    require_process(trial)
    if not SOCKETS.exists():
        trial.not_offered = "this system does not list the connections of a process"
        return
    counts = [_count_after_client(trial)]
    for _ in range(MORE_CLIENTS):
        trial.open()
        counts.append(_count_after_client(trial))
    if counts[-1] >= counts[0] + MORE_CLIENTS:
        trial.find(
            "connections-left", f"{', '.join(map(str, counts))} connections were open after one client, two, and so on"
        )


def _count_after_client(trial: Trial) -> int:
    trial.check_export(IMAGE, {"label_details": True})
    trial.close()
    return count_connections(trial.client.pid, urlsplit(trial.workspace.url).port or 80)


def count_connections(pid: int, port: int) -> int:
    """Connections of a process to a port of this machine."""
    lines = [line.split() for line in SOCKETS.read_text("ascii").splitlines()[1:]]
    nodes = {line[9] for line in lines if int(line[2].rpartition(":")[2], 16) == port and line[3] in OPEN}
    count = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # it was closed in the meantime
            count += str(descriptor.readlink()).removeprefix("socket:[").rstrip("]") in nodes
    return count


def _measure(trial: Trial) -> None:
    """Notes the most memory that the client has used, after a small result and after a large one."""
    require_process(trial)
    trial.check_export({"project": "many"}, {}, {"label_created_at": ["2000-01-01", "2000-01-02"]})
    before = read_peak_memory(trial.client.pid)
    trial.check_export({"project": "many"}, {"label_details": True, "project_details": True})
    after = read_peak_memory(trial.client.pid)
    if before and after:
        trial.notes.append(f"memory {before} MiB at most, {after} MiB after 3,000 rows")
    if trial.client.first_item_after is not None:
        trial.notes.append(f"first row after {trial.client.first_item_after:.1f} s")


def read_peak_memory(pid: int) -> int | None:
    """The most memory of a process so far, in MiB; None where the system does not say it."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return None


PROCESSES = (
    Case(
        "measures", Profile.PROCESS, "memory, and the time to the first row", _measure,
        "Measured and not judged: a client that keeps all rows needs more with each of them.",
        world=World(scenario="many"), alone=True,
    ),
    Case(
        "connections-closed", Profile.PROCESS, "the client's connections after its end", _close_connections,
        "A service that creates a client for each job runs out of descriptors.", level=Level.SHOULD, alone=True,
    ),
    Case(
        "ends-alone", Profile.PROCESS, "the end of the process", _end_alone,
        "Threads that wait for ever and processes left behind keep a job of CI from ending.",
        level=Level.SHOULD, alone=True,
    ),
)  # fmt: skip
