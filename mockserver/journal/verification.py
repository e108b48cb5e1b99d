"""Expectations about the requests of a client, and the comparison with those that were received."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec

from mockserver.errors import MOST_CANDIDATES, nearest, quote, shorten
from mockserver.journal.comparison import Comparison
from mockserver.journal.entry import Entry
from mockserver.journal.selection import Pattern, list_names

MOST_EXPECTED = 1_000
MOST_DIFFERENCES = 20
"""Expectations that a message describes: it is cut after 2,000 characters."""
MOST_SUGGESTED = 5
"""Expectations for which the nearest of the received words are looked for."""
MOST_LISTED = 20
"""Received requests that a message lists."""
_LONGEST_LINE = 160
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Expectation(Pattern, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How often a request like the pattern is expected: exactly `times`, or within the bounds; at least once without
    any of the three."""

    times: Count | None = None
    at_least: Count | None = None
    at_most: Count | None = None

    @property
    def pattern(self) -> Pattern:
        return Pattern(**{name: getattr(self, name) for name in Pattern.__struct_fields__})

    def accepts(self, count: int) -> bool:
        """Whether so many requests are as expected."""
        if self.times is not None:
            return count == self.times
        least = 1 if self.at_least is None and self.at_most is None else self.at_least or 0
        return least <= count and (self.at_most is None or count <= self.at_most)

    def describe_count(self) -> str:
        """The expected number in words."""
        if self.times is not None:
            return f"exactly {self.times}"
        bounds = [
            *([f"at least {self.at_least}"] if self.at_least is not None else []),
            *([f"at most {self.at_most}"] if self.at_most is not None else []),
        ]
        return " and ".join(bounds) or "at least 1"


def find_differences(
    entries: Sequence[Entry], expected: Sequence[Expectation], api_key: str | None, *, in_order: bool, only: bool
) -> list[str]:
    """Returns what is not as expected, a sentence each; nothing if everything is. Raises BadInput if too much would be
    searched."""
    comparison = Comparison(entries, [each.pattern for each in expected], api_key)
    fitting = [comparison.find(each.pattern) for each in expected]
    wrong = [
        (each, len(matches)) for each, matches in zip(expected, fitting, strict=True) if not each.accepts(len(matches))
    ]
    differences = [
        f"expected {each.describe_count()} of {each.pattern.describe()}, received {received}"
        f"{_suggest(each, entries) if number < MOST_SUGGESTED and not received else ''}"
        for number, (each, received) in enumerate(wrong[:MOST_DIFFERENCES])
    ]
    if len(wrong) > MOST_DIFFERENCES:
        differences.append(f"{len(wrong) - MOST_DIFFERENCES} more expectations are not met")
    if in_order:
        differences += _find_wrong_order(entries, expected, fitting)
    if only:
        known = set().union(*fitting)
        others = [entry for number, entry in enumerate(entries) if number not in known]
        if others:
            differences.append(f"expected no other requests, received {len(others)}: {list_lines(others)}")
    return differences


def _find_wrong_order(
    entries: Sequence[Entry], expected: Sequence[Expectation], fitting: Sequence[set[int]]
) -> list[str]:
    differences: list[str] = []
    last, before = 0, Pattern()
    for each, matches in zip(expected, fitting, strict=True):
        if not matches:
            continue
        first = entries[min(matches)].number
        if first <= last and len(differences) < MOST_DIFFERENCES:
            differences.append(
                f"expected {each.pattern.describe()} after {before.describe()}, received it as number {first} and the"
                f" other as number {last}"
            )
        last, before = first, each.pattern
    return differences


def _suggest(expectation: Expectation, entries: Sequence[Entry]) -> str:
    """The nearest of the received names or paths, for an expectation whose own was not received."""
    operation, path = expectation.operation, expectation.path
    if operation is not None and not any(operation in list_names(entry) for entry in entries):
        names = _list_different(name for entry in entries for name in list_names(entry))
        near = quote(nearest(operation, names, most=3))
        return f"; the nearest operations that were received are {near}" if names else ""
    if path is not None and entries and not any(entry.path == path for entry in entries):
        paths = _list_different(entry.path for entry in entries)
        return f"; the nearest paths that were received are {quote(nearest(path, paths, most=3))}"
    return ""


def _list_different(words: Iterable[str]) -> set[str]:
    """The first different words, as many as are compared with another one."""
    different: set[str] = set()
    for word in words:
        different.add(word)
        if len(different) == MOST_CANDIDATES:
            break
    return different


def list_lines(entries: Sequence[Entry]) -> str:
    """A list of requests for a message, the last ones if they are many."""
    lines = [describe_request(entry) for entry in entries[-MOST_LISTED:]]
    more = len(entries) - len(lines)
    return "\n".join(["", *([f"  … {more} earlier ones"] if more else []), *(f"  {line}" for line in lines)])


def describe_request(entry: Entry) -> str:
    """One request in one line: its number, method and path, its operation, and the status of the answer."""
    operation = entry.operation
    words: list[Any] = [f"{entry.number}.", entry.method, entry.path]
    if operation is not None:
        words += [operation.type, operation.name or "", "{" + " ".join(operation.root_fields) + "}"]
    words += ["->", "no answer" if entry.status is None else entry.status]
    return shorten(" ".join(str(word) for word in words if word != ""), _LONGEST_LINE)
