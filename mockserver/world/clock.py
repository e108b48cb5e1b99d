"""The workspace's own time: real unless frozen, set or advanced. Microseconds UTC."""

from __future__ import annotations

import time

import msgspec

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR


JUMPS_KEPT = 1000
"""Jumps of a clock that are remembered."""


class Clock(msgspec.Struct):
    """`offset` is added to real time; a frozen clock stays at `frozen_at`. `jumps` are (from, to), forward."""

    offset: int = 0
    frozen_at: int | None = None
    jumps: list[tuple[int, int]] = []

    def now(self) -> int:
        frozen_at = self.frozen_at  # read once: another thread may thaw it
        if frozen_at is not None:
            return frozen_at
        return time.time_ns() // 1000 + self.offset

    def set(self, moment: int) -> None:
        """Jumps to `moment`; a frozen clock stays frozen there."""
        now = self.now()
        if moment > now:
            self.jumps = [*self.jumps[1 - JUMPS_KEPT :], (now, moment)]
        if self.frozen_at is not None:
            self.frozen_at = moment
        else:
            self.offset += moment - now

    def advance(self, microseconds: int) -> None:
        """Moves the clock forward without waiting."""
        self.set(self.now() + microseconds)

    def has_jumped_over(self, moment: int) -> bool:
        """Whether a jump passed that moment, or began after it: what was due then had no time to happen."""
        return any(moment <= end for _, end in self.jumps)

    def freeze(self) -> None:
        """Stops the clock."""
        self.frozen_at = self.now()

    def thaw(self) -> None:
        """Lets a frozen clock run again, from where it was."""
        if self.frozen_at is not None:
            self.offset = self.frozen_at - time.time_ns() // 1000
            self.frozen_at = None
