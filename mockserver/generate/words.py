"""The committed word tables: names, places and sentences of which the generated world is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from mockserver.errors import StartupError, nearest, quote
from mockserver.generate.fixtures import find_fixtures

Tables = Mapping[str, tuple[str, ...]]
_OVERRIDES: ContextVar[Tables | None] = ContextVar("overrides", default=None)


@contextmanager
def override_tables(tables: Tables) -> Iterator[None]:
    """Replaces the committed tables of the same names inside this context."""
    token = _OVERRIDES.set(tables)
    try:
        yield
    finally:
        _OVERRIDES.reset(token)


def load_table(name: str) -> tuple[str, ...]:
    """The entries of `fixtures/words/{name}.txt` in file order; `fixtures/words/make_words.py` makes the files."""
    others = _OVERRIDES.get()
    return others[name] if others and name in others else _load_committed(name)


def list_tables() -> list[str]:
    """The committed tables."""
    return sorted(path.stem for path in (find_fixtures() / "words").glob("*.txt"))


@cache
def _load_committed(name: str) -> tuple[str, ...]:
    file = find_fixtures() / "words" / f"{name}.txt"
    if not file.is_file():
        raise StartupError(
            f'No word table "{name}" in {file.parent}; there are {quote(nearest(name, list_tables(), most=10))}'
        )
    # Not splitlines(): it would also cut at U+2028 and its kind.
    return tuple(file.read_text(encoding="utf-8").removesuffix("\n").split("\n"))
