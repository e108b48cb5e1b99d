"""Open files of this process: their limit, their number, and whether there is room for more."""

from __future__ import annotations

import os
import sys

MOST = 65_536
"""The highest limit of open files that is set. A higher one would only make the tables of the kernel larger."""
UNLIMITED = 1_000_000

if sys.platform == "win32":

    def raise_limit() -> None:
        """Does nothing: Windows limits the memory of open files, and not their number."""

    def limit() -> int:
        """Returns how many files may be open."""
        return MOST

else:
    import resource

    def raise_limit() -> None:
        """Raises the limit of open files of this process to the highest that the system allows, up to MOST."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

    def limit() -> int:
        """Returns how many files may be open."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return UNLIMITED if soft == resource.RLIM_INFINITY else soft


def count_open() -> int | None:
    """Returns how many files are open; None where the system does not report it."""
    try:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  paths take ten times as long
    except OSError:
        return None


def has_room(files: int) -> bool:
    """Whether this many more files may stay open, with a quarter of all left for connections and exports."""
    taken = count_open()
    return taken is None or taken + files <= limit() - limit() // 4
