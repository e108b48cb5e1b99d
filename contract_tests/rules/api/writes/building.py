"""Parts of right arguments."""

from collections.abc import Callable
from typing import Any

from contract_tests.rules.api.writes.populated import Populated

Arguments = dict[str, Any]
Build = Callable[[Populated], Arguments]
URL = "https://example.com/new.jpg"


def build_where(name: str) -> Build:
    """One thing, by its id."""
    return lambda world: {"where": {"id": world[name]}}


def build_data(**names: str) -> Build:
    """The argument `data`, whose values are names of ids."""
    return lambda world: {"data": {key: world[name] for key, name in names.items()}}


def list_rows(world: Populated) -> list[str]:
    return list(world["rows"][:3])


def build_term(world: Populated) -> Arguments:
    return {"type": "data_row_id", "operator": "is", "ids": list_rows(world)}
