"""`mockserver` that kills itself before the n-th change of a file: SIGUSR1 arms it with the number in a file. SIGUSR2
prints where each thread is.

Run as a program with the arguments of `mockserver`, `killer.so` preloaded, and the file's path in KILL_AT.
"""

import ctypes
import faulthandler
import os
import signal
from pathlib import Path
from types import FrameType

from mockserver.__main__ import main

KILL_AT = "KILL_AT"


def arm(_signal: int, _frame: FrameType | None) -> None:
    """Counts steps from now on, and then empties the file, which the sender of the signal waits for.

    `truncate` is not counted as a step. Emptied first, the file would let the sender go on while another thread of
    the server can still use up the steps of the number before.
    """
    file = Path(os.environ[KILL_AT])
    ctypes.CDLL(None).kill_before_step(ctypes.c_long(int(file.read_text())))
    os.truncate(file, 0)


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR2, all_threads=True)
    signal.signal(signal.SIGUSR1, arm)
    main()
