"""Whether a process is running. Only the standard library is imported: a user's tests use this module, too."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def process_exists(pid: int) -> bool:
    """Whether a process with this PID is running, whichever user it belongs to."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return _exists_on_windows(pid)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether a process has ended and nobody waits for it, as is common in containers. Only Linux reports it."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[:1] == ["Z"]


if sys.platform == "win32":

    def _exists_on_windows(pid: int) -> bool:
        """Opens the process to wait for it: `os.kill` has no signal 0 there, and would press Ctrl+C in it."""
        import ctypes  # noqa: PLC0415  only Windows needs it

        synchronize, still_running = 0x00100000, 0x00000102
        handle = ctypes.windll.kernel32.OpenProcess(synchronize, False, pid)
        if not handle:
            return False
        try:
            return bool(ctypes.windll.kernel32.WaitForSingleObject(handle, 0) == still_running)
        finally:
            ctypes.windll.kernel32.CloseHandle(handle)
