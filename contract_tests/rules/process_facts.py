"""Prints what a program can know of its process: `python -m contract_tests.rules.process_facts ARGUMENT…`.

With `wait` as an argument it then waits for Ctrl+C, and with `fail` it raises an exception.
"""

import faulthandler
import gc
import json
import locale
import os
import random
import resource
import signal
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import Any


def list_facts() -> dict[str, Any]:
    main = sys.modules["__main__"]
    return {
        "arguments": sys.argv,
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
        "path": sys.path,
        "main": (main.__name__, main.__file__, main.__spec__ and main.__spec__.name),
        "flags": str(sys.flags),
        "streams": [describe_stream(name) for name in ("stdin", "stdout", "stderr")],
        "descriptors": sorted(int(link.name) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()),
        "handlers": {number.name: str(signal.getsignal(number)) for number in signal.valid_signals() if number < 32},
        "blocked signals": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "group and session": (os.getpgid(0), os.getsid(0)),
        "umask": os.umask(0o22),
        "nice": os.nice(0),
        "limits": [
            resource.getrlimit(kind) for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_AS, resource.RLIMIT_CORE)
        ],
        "threads": threading.active_count(),
        "collector": (gc.isenabled(), gc.get_threshold()),
        "warnings": [str(rule) for rule in warnings.filters],
        "faulthandler": faulthandler.is_enabled(),
        "recursion": sys.getrecursionlimit(),
        "hooks": (sys.excepthook is sys.__excepthook__, sys.gettrace(), sys.getprofile()),
        "locale": locale.getlocale(),
        "time zone": (time.tzname, time.localtime(0).tm_hour),
        "temporary files": tempfile.gettempdir(),
    }


def describe_stream(name: str) -> tuple[Any, ...]:
    stream = getattr(sys, name)
    kind = type(stream).__name__, type(stream.buffer).__name__, stream.name, stream.mode, stream.fileno()
    return *kind, stream.encoding, stream.errors, stream.line_buffering, stream is getattr(sys, f"__{name}__")


if __name__ == "__main__":
    facts = {"facts": list_facts(), "drawn": random.random(), "hash": hash("seed"), "parent": os.getppid()}
    sys.stdout.write(f"{json.dumps(facts)}\n")
    if "fail" in sys.argv:
        raise ValueError("a failure")
    if "wait" in sys.argv:
        sys.stdout.flush()
        threading.Event().wait()
