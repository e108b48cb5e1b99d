"""Expectations about the requests of a client, and the comparison with those that were received."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from mockserver.errors import nearest, quote, shorten
from mockserver.journal.entry import Entry
from mockserver.journal.selection import Pattern, list_names

MOST_EXPECTED = 1_000
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
    """Returns what is not as expected, a sentence each; nothing if everything is."""
    fitting = [[entry for entry in entries if each.fits(entry, api_key)] for each in expected]
    differences = [
        f"expected {each.describe_count()} of {each.pattern.describe()}, received {len(matches)}"
        f"{_suggest(each, entries)}"
        for each, matches in zip(expected, fitting, strict=True)
        if not each.accepts(len(matches))
    ]
    if in_order:
        differences += _find_wrong_order(expected, fitting)
    if only:
        known = {entry.number for matches in fitting for entry in matches}
        others = [entry for entry in entries if entry.number not in known]
        if others:
            differences.append(f"expected no other requests, received {len(others)}: {list_lines(others)}")
    return differences


def _find_wrong_order(expected: Sequence[Expectation], fitting: Sequence[list[Entry]]) -> list[str]:
    differences, last, before = [], 0, ""
    for each, matches in zip(expected, fitting, strict=True):
        if not matches:
            continue
        first = matches[0].number
        if first <= last:
            differences.append(
                f"expected {each.pattern.describe()} after {before}, received it as number {first} and the other as"
                f" number {last}"
            )
        last, before = first, each.pattern.describe()
    return differences


def _suggest(expectation: Expectation, entries: Sequence[Entry]) -> str:
    """The nearest of the received names or paths, for an expectation that none of them fits."""
    if expectation.operation is not None:
        names = {name for entry in entries for name in list_names(entry)}
        if names and expectation.operation not in names:
            near = quote(nearest(expectation.operation, names, most=3))
            return f"; the nearest operations that were received are {near}"
    if expectation.path is not None:
        paths = {entry.path for entry in entries}
        if paths and expectation.path not in paths:
            return f"; the nearest paths that were received are {quote(nearest(expectation.path, paths, most=3))}"
    return ""


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
