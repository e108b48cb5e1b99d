"""Open files of this process: how many there may be, how many there are, and what is kept free for whom."""

from __future__ import annotations

import resource
from pathlib import Path

MOST = 65_536
"""Open files that are asked for at most. More would only make the tables of the kernel larger."""
UNLIMITED = 1_000_000


def raise_limit() -> None:
    """Let this process have as many open files as it may, and not only as many as programs begin with."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def limit() -> int:
    """How many files may be open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return UNLIMITED if soft == resource.RLIM_INFINITY else soft


def count_open() -> int | None:
    """How many files are open; None where the system does not tell."""
    try:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError:
        return None


def has_room(files: int) -> bool:
    """Whether so many more may be opened for long, with a quarter of all left for connections and exports."""
    taken = count_open()
    return taken is None or taken + files <= limit() - limit() // 4
