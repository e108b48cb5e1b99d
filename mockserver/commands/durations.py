"""Durations on the command line."""

from __future__ import annotations

import re
from typing import Any

import click

NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,15})?"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """Seconds, or numbers with units: 90, 2d, 1h30m."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, (int, float)):
            return value
        if re.fullmatch(NUMBER, value):
            return float(value)
        if not re.fullmatch(rf"({NUMBER}[smhdw])+", value):
            self.fail(f"{value!r} is no duration; expected seconds or units, like 90, 2d or 1h30m", param, ctx)
        return sum(float(number) * UNITS[unit] for number, unit in re.findall(rf"({NUMBER})([smhdw])", value))
