"""The rule of a fault: which calls it hits."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from mockserver.conversion import decode
from mockserver.errors import BadInput, nearest, quote
from mockserver.faults.kind import Kind, Stage
from mockserver.faults.kinds import KINDS

MOST_RULES = 200
"""Of one workspace."""
MOST_CHARACTERS = 4 * 1024 * 1024
"""Of the rules of one workspace as JSON, which are kept in memory and listed together."""
MOST_SECONDS = 600.0
MOST_BYTES = 1_000_000_000
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=MOST_SECONDS)]
Bytes = Annotated[int, msgspec.Meta(ge=0, le=MOST_BYTES)]
Calls = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
Status = Annotated[int, msgspec.Meta(ge=200, le=599)]
When = Literal["before", "after"]


class FaultRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A fault, by its name, and the calls that it hits (docs/faults.md). Without `operation`, `path` and `method` every
    call of the workspace counts, except those of the control API."""

    fault: Text
    operation: Text | None = None
    path: Text | None = None
    method: Text | None = None
    first: Calls = 1
    times: Calls | Literal["every"] | msgspec.UnsetType = msgspec.UNSET
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    when: When = "before"
    until: Text | None = None
    lasts: Annotated[float, msgspec.Meta(gt=0, le=1e10)] | None = None
    # The options that some of the faults take
    status: Status | None = None
    code: Text | None = None
    message: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)] | None = None
    seconds: Seconds | None = None
    spread: Seconds | None = None
    bytes: Bytes | None = None
    rate: Calls | None = None
    limit: Bytes | None = None
    window: Annotated[float, msgspec.Meta(ge=1, le=86_400)] | None = None
    keep: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    data_rows: Annotated[list[str], msgspec.Meta(min_length=1, max_length=10_000)] | None = None

    @property
    def kind(self) -> Kind:
        return KINDS[self.fault]

    def option(self, name: str) -> Any:
        """The value of an option: as requested, or that of its kind."""
        value = getattr(self, name)
        return self.kind.options[name] if value is None else value

    @property
    def option_values(self) -> dict[str, Any]:
        """The values of all options that its kind takes."""
        return {name: self.option(name) for name in self.kind.options}

    @property
    def most_hits(self) -> int | None:
        """How many calls it hits at most; None for every call from the first on."""
        if self.times is msgspec.UNSET:
            return self.kind.times
        return None if self.times == "every" else self.times

    def hits(self, number: int, earlier: int) -> bool:
        """Whether it hits the matching call with this number, from 1, after it has hit `earlier` ones."""
        most = self.most_hits
        return number >= self.first and (most is None or earlier < most) and self._is_drawn(number)

    def _is_drawn(self, number: int) -> bool:
        if self.share >= 1:
            return True
        digest = hashlib.blake2b(f"{self.seed}/{number}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") < self.share * 2**64


def encode_rule(rule: FaultRule) -> str:
    """The rule as JSON."""
    return msgspec.json.encode(rule).decode()


def decode_rule(text: str) -> FaultRule:
    """Parses what `encode_rule` returns."""
    return decode(text, FaultRule)


OPTIONS = tuple(name for name in FaultRule.__struct_fields__ if any(name in kind.options for kind in KINDS.values()))
"""The fields that are options of some kind."""


def check_rule(rule: FaultRule) -> None:
    """Raises BadInput for an unknown fault, and for fields that it does not take."""
    if rule.fault not in KINDS:
        raise BadInput(
            f"There is no fault {rule.fault!r}; the nearest known are {quote(nearest(rule.fault, KINDS))}; all are in "
            "docs/faults.md"
        )
    kind = rule.kind
    wrong = [name for name in OPTIONS if getattr(rule, name) is not None and name not in kind.options]
    if kind.stage is Stage.EXPORT:
        wrong += [name for name in ("operation", "path", "method") if getattr(rule, name) is not None]
    if kind.stage is not Stage.ANSWER and rule.when == "after":
        wrong.append("when")
    if wrong:
        takes = quote(kind.options) or "no options"
        raise BadInput(f"{rule.fault} was sent with {quote(wrong)}; it takes {takes}: {kind.summary}")
    missing = [name for name, default in kind.options.items() if default is None and getattr(rule, name) is None]
    if missing:
        raise BadInput(f"{rule.fault} needs {quote(missing)}: {kind.summary}")
    if rule.until is not None and rule.lasts is not None:
        raise BadInput("until and lasts were both sent; send the end, or how many seconds it lasts")
    if rule.until is not None:
        parse_until(rule.until)


def parse_until(text: str) -> datetime:
    """Parses an ISO date-time, UTC without an offset. Raises BadInput."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"until is {text!r}; expected a date-time like 2025-01-01T12:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
