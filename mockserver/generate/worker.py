"""Large worlds are generated in a process of their own, so that the one that writes them has a core to itself.

As a program (`python -m mockserver.generate.worker`) it is that process: a pickled plan, seed and end are its input,
pickled batches its output, then None. It is no child of `multiprocessing`, which would run the caller's main module
again.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import BinaryIO

from mockserver.errors import MockserverError, StartupError
from mockserver.generate import history
from mockserver.generate.plans import Scenario
from mockserver.world.record import Record

LARGE = 20_000
"""Data rows from which on it pays: another process takes half a second to start."""


def generate_batches(plan: Scenario, *, seed: int, ends: int) -> Iterator[list[Record]]:
    """The batches that `history.build_world` generates from the plan. Raises StartupError."""
    command = [sys.executable, "-m", "mockserver.generate.worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: S603  our own
        try:
            yield from _read_batches(process, (plan, seed, ends))
        except (EOFError, OSError, pickle.UnpicklingError):
            raise StartupError(
                f"The process that generates the world ended with exit code {process.wait()} before it was done; "
                "was it killed, or is memory short?"
            ) from None
        finally:
            process.kill()


def _read_batches(process: subprocess.Popen[bytes], job: tuple[Scenario, int, int]) -> Iterator[list[Record]]:
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin:
        pickle.dump(job, process.stdin)
    while (piece := pickle.load(process.stdout)) is not None:  # noqa: S301  our own process wrote it
        if isinstance(piece, StartupError):
            raise piece
        yield piece


def main() -> None:
    """Runs the worker. Ctrl+C in a terminal reaches this process too; its parent reports it, unless it has ended."""
    with contextlib.suppress(KeyboardInterrupt):
        plan, seed, ends = pickle.load(sys.stdin.buffer)  # noqa: S301  the process that started us wrote it
        try:
            _write(plan, seed, ends, sys.stdout.buffer)
            sys.stdout.flush()
        except BrokenPipeError:
            os._exit(1)  # or the interpreter would try to write the rest


def _write(plan: Scenario, seed: int, ends: int, out: BinaryIO) -> None:
    try:
        for piece in history.build_world(plan, name="", seed=seed, ends=ends)[1]:
            pickle.dump(piece, out)
        pickle.dump(None, out)
    except MockserverError as error:
        pickle.dump(StartupError(str(error)), out)


if __name__ == "__main__":
    main()
