"""Large worlds are generated in a process of their own, so that the one that writes them has a core to itself."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection

from mockserver.errors import MockserverError, StartupError
from mockserver.generate import history
from mockserver.generate.plans import Scenario
from mockserver.world.database import Record

LARGE = 20_000
"""Data rows from which on it pays: another process takes half a second to start."""


def pieces(plan: Scenario, *, seed: int, ends: int) -> Iterator[list[Record]]:
    """What `history.build` makes of the plan, in the same pieces. Raises what it raises, and StartupError."""
    processes = multiprocessing.get_context("spawn")
    ours, theirs = processes.Pipe(duplex=False)
    maker = processes.Process(target=_make, args=(theirs, plan, seed, ends), daemon=True)
    maker.start()
    theirs.close()
    try:
        yield from _received(ours)
    except EOFError:
        maker.join()
        raise StartupError(
            f"The process that generates the world ended with exit code {maker.exitcode} before it was done; "
            "was it killed, or is memory short?"
        ) from None
    finally:
        maker.terminate()
        maker.join()
        ours.close()


def _received(pipe: Connection) -> Iterator[list[Record]]:
    while True:
        piece: list[Record] | MockserverError | None = pipe.recv()
        if piece is None:
            return
        if isinstance(piece, MockserverError):
            raise piece
        yield piece


def _make(pipe: Connection, plan: Scenario, seed: int, ends: int) -> None:
    """The other process: pieces, then None."""
    _, made = history.build(plan, name="", seed=seed, ends=ends)
    try:
        for piece in made:
            pipe.send(piece)
        pipe.send(None)
    except MockserverError as error:
        pipe.send(error)
