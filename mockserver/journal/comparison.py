"""Many patterns compared with the entries of a journal: each fact of an entry is read once, and the work is bounded."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from functools import cached_property
from typing import TypeVar

from mockserver.errors import BadInput
from mockserver.journal.entry import Entry
from mockserver.journal.searching import Glob, search_for
from mockserver.journal.selection import Pattern, list_names
from mockserver.journal.view import classify_key

MOST_SEARCHED = 256 * 1024 * 1024
"""Bytes of paths and bodies that are searched for all patterns together: at most a second of one processor. A full
journal of small requests has 2 MB."""
COST_OF_SEARCH = 500
"""Bytes that are counted for each search beside those of its text: a search of an empty text takes as long as these."""
Fact = TypeVar("Fact", bound=Hashable)
Numbers = set[int]
"""The places of entries in their list."""


class Comparison:
    """The patterns, and which entries fit them."""

    def __init__(self, entries: Sequence[Entry], patterns: Iterable[Pattern], api_key: str | None) -> None:
        """The entries are of the journal of this key."""
        self.entries, self._patterns, self._key = entries, list(patterns), api_key
        self._results: dict[Pattern, Numbers] = {}
        self._searched = 0

    def find(self, pattern: Pattern) -> Numbers:
        """The numbers of the entries that fit one of the patterns. Raises BadInput if too much would be searched."""
        if pattern not in self._results:
            self._results[pattern] = self._search(pattern)
        return self._results[pattern]

    def list_fitting(self, pattern: Pattern) -> list[Entry]:
        """The entries that fit one of the patterns, in their order. Raises BadInput if too much would be searched."""
        return [self.entries[number] for number in sorted(self.find(pattern))]

    def _search(self, pattern: Pattern) -> Numbers:
        fitting: list[Numbers] = []
        if pattern.operation is not None:
            fitting.append(self._by_name[pattern.operation])
        if pattern.method is not None:
            fitting.append(self._by_method.get(pattern.method.upper(), set()))
        if pattern.status is not None:
            fitting.append(self._by_status.get(pattern.status, set()))
        if pattern.key is not None:
            fitting.append(self._by_key.get(pattern.key, set()))
        if pattern.path is not None:
            fitting.append(self._find_paths(Glob(pattern.path)))
        numbers = set.intersection(*fitting) if fitting else set(range(len(self.entries)))
        return numbers if pattern.contains is None else self._find_containing(pattern.contains.encode(), numbers)

    def _find_paths(self, glob: Glob) -> Numbers:
        if glob.is_plain:
            return self._by_path.get(glob.pattern, set())
        numbers: Numbers = set()
        for path, others in self._by_path.items():
            self._count(len(path) + COST_OF_SEARCH * (1 + glob.steps))
            if glob.fits(path):
                numbers |= others
        return numbers

    def _find_containing(self, part: bytes, numbers: Numbers) -> Numbers:
        search, fitting = search_for(part), set()
        for number in numbers:
            body = self.entries[number].request_body
            self._count(len(body) + COST_OF_SEARCH)
            if search(body, 0, len(body)) >= 0:
                fitting.add(number)
        return fitting

    def _count(self, searched: int) -> None:
        self._searched += searched
        if self._searched > MOST_SEARCHED:
            raise BadInput(
                f"The expectations would search more than {MOST_SEARCHED:,} bytes of recorded requests; send fewer "
                "with contains or with asterisks in path, or name the operation, too"
            )

    @cached_property
    def _by_name(self) -> dict[str, Numbers]:
        """Groups by the names in the patterns alone: documents can name a million others."""
        groups: dict[str, Numbers] = {
            pattern.operation: set() for pattern in self._patterns if pattern.operation is not None
        }
        for number, entry in enumerate(self.entries):
            for name in list_names(entry):
                if name in groups:
                    groups[name].add(number)
        return groups

    @cached_property
    def _by_path(self) -> dict[str, Numbers]:
        return group(entry.path for entry in self.entries)

    @cached_property
    def _by_method(self) -> dict[str, Numbers]:
        return group(entry.method for entry in self.entries)

    @cached_property
    def _by_status(self) -> dict[int | None, Numbers]:
        return group(entry.status for entry in self.entries)

    @cached_property
    def _by_key(self) -> dict[str, Numbers]:
        return group(classify_key(entry, self._key) for entry in self.entries)


def group(facts: Iterable[Fact]) -> dict[Fact, Numbers]:
    """The numbers of the entries with each fact; `facts` has one of each entry."""
    groups: dict[Fact, Numbers] = {}
    for number, fact in enumerate(facts):
        groups.setdefault(fact, set()).add(number)
    return groups
