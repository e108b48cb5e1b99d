"""Evidence that a server answers others while it works on something long, on a machine of any speed.

A server that does the long work on its event loop answers nothing in between: no other request begins and ends well
inside the time of the long one. Whether one does is no matter of seconds, so a slow machine changes nothing.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple


class Span(NamedTuple):
    """Seconds of the monotonic clock."""

    began: float
    ended: float

    def is_well_inside(self, whole: "Span") -> bool:
        """True if this span is within the middle three fifths of the whole."""
        margin = (whole.ended - whole.began) / 5
        return whole.began + margin < self.began and self.ended < whole.ended - margin


def measure(call: Callable[[], Any]) -> tuple[Any, Span]:
    began = time.monotonic()
    answer = call()
    return answer, Span(began, time.monotonic())


def run_beside(long: Callable[[], Any], short: Callable[[], Any]) -> tuple[Any, list[Any], int]:
    """Runs `long`, and `short` again and again until it is done.

    Returns the answer of `long`, the answers of `short`, and how many of these were asked and answered well inside.
    """
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(measure, long)
        shorts = []
        while not running.done():
            shorts.append(measure(short))
        answer, whole = running.result()
    return answer, [each for each, _ in shorts], sum(span.is_well_inside(whole) for _, span in shorts)
