"""The printed report: one line per figure, with its goal, the peer's figure of the same run, and their ratio."""

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


def print_title(text: str) -> None:
    print(text, flush=True)


def print_figure(what: str, value: float, unit: str, *, goal: str = "", peers: dict[str, float] | None = None) -> None:
    """Prints a figure. A goal holds for the README's reference machine; a ratio is `value / peer`."""
    aim = f"   goal {goal}" if goal else ""
    print(f"  {what:<44} {format_number(value):>9} {unit}{aim}", flush=True)
    for peer, figure_of_peer in (peers or {}).items():
        print(
            f"  {'':<4}{peer:<40} {format_number(figure_of_peer):>9} {unit}   ratio {value / figure_of_peer:.3g}",
            flush=True,
        )


def format_number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def calibrate() -> None:
    """Prints how fast this machine is at best, so that figures of different machines can be compared."""
    loop = min(time_loop() for _ in range(5))
    copy = min(time_memory_copy() for _ in range(5))
    dump = min(time_dump() for _ in range(50))
    print(
        f"\nThis machine now: a Python loop of a million steps takes {loop * 1000:.1f} ms,"
        f" memory is copied at {MEMORY / copy / 1e9:.1f} GB/s,\n"
        f"json.dumps of 3 kB takes {dump * 1e6:.0f} us: {dump / REFERENCE_DUMP:.1f} times the reference machine's",
        flush=True,
    )


def time_dump() -> float:
    """Seconds that json.dumps takes for a row of 3 kB, the mean of 100 times."""
    started = time.perf_counter()
    for _ in range(100):
        json.dumps(ROW)
    return (time.perf_counter() - started) / 100


def time_loop() -> float:
    started = time.perf_counter()
    total = 0
    for step in range(1_000_000):
        total += step & 7
    return time.perf_counter() - started


def time_memory_copy() -> float:
    source, target = bytearray(MEMORY), bytearray(MEMORY)
    target[:] = source  # the first copy pays for the pages
    started = time.perf_counter()
    target[:] = source
    return time.perf_counter() - started
