"""The folder of the data that comes with the package: word tables, scenarios, golden files."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from mockserver.errors import StartupError

PACKAGE = Path(__file__).parents[1]


@cache
def find_fixtures() -> Path:
    """The fixtures folder: `mockserver/_fixtures` as the wheel brings it, or the checkout's `fixtures`."""
    return find_folder(PACKAGE / "_fixtures", PACKAGE.parent / "fixtures")


def find_folder(*candidates: Path) -> Path:
    """The first folder that holds word tables: beside an installed package, `fixtures` may be another project's."""
    for folder in candidates:
        if (folder / "words").is_dir():
            return folder
    places = " nor ".join(str(folder) for folder in candidates)
    raise StartupError(
        f"The fixtures are missing: neither {places} holds a folder named words; "
        "install the package again, or run from a whole checkout"
    )
