"""Progress bars for long work: on standard error, and only where that is a terminal, as a log would fill with them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


@contextmanager
def bar(length: int, label: str) -> Iterator[Callable[[int], None]]:
    """What it gives is told how much more is done."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden) as shown:
        yield shown.update


@contextmanager
def making_a_world(rows: int) -> Iterator[Callable[[int], None]]:
    """A bar, or one line that says why nothing happens for a while."""
    if not sys.stderr.isatty():
        click.echo(f"Making a world of {rows:,} data rows, once; it is kept for the next start.", err=True)
    with bar(rows, "Making the world") as done:
        yield done
