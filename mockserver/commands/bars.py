"""Progress bars for long work: on standard error, and only if that is a terminal, as they would fill a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


@contextmanager
def show_progress(length: int, label: str) -> Iterator[Callable[[int], None]]:
    """Shows a bar; the yielded function adds to its progress."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden) as bar:
        yield bar.update


@contextmanager
def show_generation(rows: int) -> Iterator[Callable[[int], None]]:
    """Shows a bar for the generation of a world, or one line that says why it takes time."""
    if not sys.stderr.isatty():
        click.echo(f"Generating a world of {rows:,} data rows, once; it is cached for the next start.", err=True)
    with show_progress(rows, "Generating the world") as done:
        yield done
