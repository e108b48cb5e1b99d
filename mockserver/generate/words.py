"""The committed word tables: names, places and sentences that the generated world is told in."""

from __future__ import annotations

from functools import cache

from mockserver.errors import StartupError, nearest, quoted
from mockserver.generate.shelf import shelf


@cache
def table(name: str) -> tuple[str, ...]:
    """The entries of `fixtures/words/{name}.txt` in file order; `fixtures/words/make_words.py` makes the files."""
    file = shelf() / "words" / f"{name}.txt"
    if not file.is_file():
        known = [path.stem for path in file.parent.glob("*.txt")]
        raise StartupError(
            f'No word table "{name}" in {file.parent}; there are {quoted(nearest(name, known, most=10))}'
        )
    # Not splitlines(): it would also cut at U+2028 and its kind.
    return tuple(file.read_text(encoding="utf-8").removesuffix("\n").split("\n"))
