"""What is printed: one line a figure, with its peer's figure of the same run, their ratio and the goal."""

import json
import time

MEMORY = 64 * 1024 * 1024
BOX = {
    "feature_id": "c" * 25,
    "name": "Car",
    "bounding_box": {"top": 1.5, "left": 20.25, "height": 300.0, "width": 40.0},
}
ROW = {"data_row": {"id": "c" * 25, "row_data": "u" * 200}, "objects": [BOX] * 20}
"""3 kB of JSON, of the shape that exports have."""
REFERENCE_DUMP = 20e-6
"""Seconds that json.dumps takes for 3 kB on the machine that the goals are for."""


def title(text: str) -> None:
    print(text, flush=True)


def figure(what: str, value: float, unit: str, *, goal: str = "", peers: dict[str, float] | None = None) -> None:
    """A goal is that of the README's reference machine; a ratio is `value / peer`."""
    aim = f"   goal {goal}" if goal else ""
    print(f"  {what:<44} {number(value):>9} {unit}{aim}", flush=True)
    for peer, figure_of_peer in (peers or {}).items():
        print(
            f"  {'':<4}{peer:<40} {number(figure_of_peer):>9} {unit}   ratio {value / figure_of_peer:.3g}", flush=True
        )


def number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def calibrate() -> None:
    """What this machine does at best, so that figures of different machines compare."""
    loop = min(timed_loop() for _ in range(5))
    copy = min(timed_copy() for _ in range(5))
    dump = min(timed_dump() for _ in range(50))
    print(
        f"\nThis machine now: a Python loop of a million steps takes {loop * 1000:.1f} ms,"
        f" memory is copied at {MEMORY / copy / 1e9:.1f} GB/s,\n"
        f"json.dumps of 3 kB takes {dump * 1e6:.0f} us: {dump / REFERENCE_DUMP:.1f} times the reference machine's",
        flush=True,
    )


def timed_dump() -> float:
    """Of a row of 3 kB, 100 times."""
    started = time.perf_counter()
    for _ in range(100):
        json.dumps(ROW)
    return (time.perf_counter() - started) / 100


def timed_loop() -> float:
    started = time.perf_counter()
    total = 0
    for step in range(1_000_000):
        total += step & 7
    return time.perf_counter() - started


def timed_copy() -> float:
    source, target = bytearray(MEMORY), bytearray(MEMORY)
    target[:] = source  # the first copy pays for the pages
    started = time.perf_counter()
    target[:] = source
    return time.perf_counter() - started
