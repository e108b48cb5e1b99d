"""Chance that is the same on every machine and Python: a hash of a path, read as numbers.

`random` is not used: what its methods make of a seed may change between Python versions.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import Self, TypeVar

from mockserver.world import ids

T = TypeVar("T")
_KEY = 32
"""Bytes of the hash that names a row of numbers."""
_BLOCK = struct.Struct(">8Q")


class Chance:
    """An endless row of 64-bit numbers named by a path such as (seed, "image", "street", 3)."""

    def __init__(self, *path: object) -> None:
        self._key = ids.digest(*path, size=_KEY)
        self._block = 0
        self._words: list[int] = []

    @classmethod
    def from_key(cls, key: bytes) -> Self:
        """The row of numbers whose path has this hash."""
        chance = cls.__new__(cls)
        chance._key, chance._block, chance._words = key, 0, []
        return chance

    def next_word(self) -> int:
        """The next number below 2**64."""
        if not self._words:
            raw = hashlib.blake2b(self._block.to_bytes(8, "big"), key=self._key).digest()
            self._words = list(_BLOCK.unpack(raw))
            self._block += 1
        return self._words.pop()

    def randbelow(self, limit: int) -> int:
        """0 <= n < limit. The bias of the remainder is below one in 2**40 for the limits we use."""
        return self.next_word() % limit

    def randint(self, low: int, high: int) -> int:
        """low <= n <= high."""
        return low + self.randbelow(high - low + 1)

    def happens(self, percent: int) -> bool:
        return self.randbelow(100) < percent

    def choice(self, choices: Sequence[T]) -> T:
        return choices[self.randbelow(len(choices))]

    def sample(self, choices: Sequence[T], count: int) -> list[T]:
        """`count` different choices, in the order of `choices`."""
        left = list(range(len(choices)))
        chosen = sorted(left.pop(self.randbelow(len(left))) for _ in range(min(count, len(left))))
        return [choices[index] for index in chosen]


class Chances:
    """Many rows of numbers whose paths differ in the last part.

    `Chances(*path).derive(last)` is `Chance(*path, last)`.
    """

    def __init__(self, *path: object) -> None:
        self._stem = ids.Stem(*path, size=_KEY)

    def derive(self, last: object) -> Chance:
        return Chance.from_key(self._stem.digest(last))
