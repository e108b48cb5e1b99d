"""`make screenshots`: a picture of every view at three widths, light and dark, to look at by eye. None is committed."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import ViewportSize

from contract_tests.rules.console.browser import PATIENCE, open_browser
from contract_tests.rules.console.views import list_views, populate
from contract_tests.serving import ServedWorld

WIDTHS = {375: 812, 1024: 768, 1600: 1000}
"""Width and height of the window: a telephone, a tablet, a desk."""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
FOLDER = Path("build/screenshots")


def take(folder: Path, names: list[str]) -> None:
    """Takes pictures of all views, or of those whose name begins with one of `names`."""
    folder.mkdir(parents=True, exist_ok=True)
    with ServedWorld() as server, open_browser() as browser:
        populate(server)
        views = list_views(server)
        chosen = {name: path for name, path in views.items() if not names or name.startswith(tuple(names))}
        for (width, height), scheme in product(WIDTHS.items(), SCHEMES):
            size = ViewportSize(width=width, height=height)
            with browser.new_context(base_url=server.url, color_scheme=scheme, viewport=size) as context:
                context.set_default_timeout(PATIENCE)
                page = context.new_page()
                for name, path in chosen.items():
                    page.goto(path)
                    page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
    print(f"{len(chosen) * len(WIDTHS) * len(SCHEMES)} pictures in {folder}")


if __name__ == "__main__":
    take(FOLDER, sys.argv[1:])
