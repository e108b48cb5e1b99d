"""Numbers as JavaScript writes them, which wrote the files of Export V1: `5`, never `5.0` (observed 2021-07 to 2022-08;
ECMA-262, Number::toString).
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson

EXACT = 2.0**53
"""Below this, every float without a fraction is an integer that JSON encoders write in full."""
SMALL, LARGE = 1e-6, 1e21
"""JavaScript writes an exponent for what is smaller, and for what is not smaller than LARGE."""
KEPT = 1024
"""Numbers whose text is remembered: scores of reviews are few."""
PLAIN = 1e-4
"""From here to EXACT, floats with a fraction are written alike by JavaScript, Python and orjson."""


@lru_cache(maxsize=KEPT)
def format_number(number: float) -> str:
    """The number as JSON.stringify writes it."""
    if number == int(number) and -EXACT < number < EXACT:
        return str(int(number))
    size = abs(number)
    if PLAIN <= size < EXACT:
        return repr(number)
    if SMALL <= size < LARGE:
        return format(Decimal(repr(number)), "f").removesuffix(".0")
    digits, _, exponent = repr(number).partition("e")
    return f"{digits}e{int(exponent):+d}"


def to_javascript(value: Any) -> Any:
    """A JSON document for orjson in which every number is written by `format_number`."""
    kind = type(value)
    if kind is float:
        if value == int(value) and abs(value) < EXACT:
            return int(value)
        return value if PLAIN <= abs(value) < EXACT else orjson.Fragment(format_number(value))
    if kind is dict:
        return {key: to_javascript(part) for key, part in value.items()}
    if kind is list:
        return [to_javascript(part) for part in value]
    return value
