"""Waits of tests: for a condition, with a deadline that is long because a busy machine may take long for anything."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 120.0
PAUSE = 0.02

T = TypeVar("T")


def wait_for(read: Callable[[], T], is_right: Callable[[T], object] = bool, *, within: float = PATIENCE) -> T:
    """Reads again and again until the value is right, and returns it."""
    deadline = time.monotonic() + within
    while not is_right(value := read()):
        assert time.monotonic() < deadline, f"after {within:g} s it is still {value!r}"
        time.sleep(PAUSE)
    return value


def eventually(condition: Callable[[], object], *, within: float = PATIENCE) -> bool:
    """Whether a condition becomes true."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(PAUSE)
    return True
