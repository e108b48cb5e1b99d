"""The files of scenarios: found by name or path, and read within bounds. `scenario` parses them."""

from __future__ import annotations

from pathlib import Path

from mockserver.errors import ScenarioError, nearest, quote
from mockserver.generate.fixtures import find_fixtures

MOST_BYTES = 1024 * 1024
"""Of a scenario file. The largest that come with the package have some ten thousand."""


def list_scenarios() -> list[str]:
    """The scenarios that come with the package."""
    return sorted(path.stem for path in find_built_in().glob("*.toml"))


def find_built_in() -> Path:
    """The folder of the scenarios that come with the package."""
    return find_fixtures() / "scenarios"


def find(name: str) -> Path:
    """The file of a scenario, by the name of a built-in scenario or by a path. Raises ScenarioError."""
    if name.endswith(".toml") or "/" in name:
        path = Path(name)
        if path.is_file():
            return path
        raise ScenarioError(f"--scenario is {name!r}, and there is no such file; give a path that exists")
    if name in list_scenarios():
        return find_built_in() / f"{name}.toml"
    known = quote(nearest(name, list_scenarios()))
    raise ScenarioError(f"--scenario is {name!r}; known are {known}, or give a path that ends in .toml")


def read_text(path: Path) -> bytes:
    """The text of a scenario file. Raises ScenarioError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ScenarioError(f"{path} has more than {MOST_BYTES:,} bytes; scenarios have some thousands")
        with path.open("rb") as file:
            return file.read(MOST_BYTES)
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}; give a file that can be read") from None
