"""`make screenshots`: a picture of every view at three widths, light and dark, and the pictures of the README.

They are to look at by eye; only those of the README are committed.
"""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Browser, Page, ViewportSize

from contract_tests.rules.console.browser import PATIENCE, open_browser
from contract_tests.rules.console.views import list_views, populate
from contract_tests.rules.pages import REPOSITORY
from contract_tests.serving import ServedWorld

Scheme = Literal["light", "dark"]
WIDTHS = {375: 812, 1024: 768, 1600: 1000}
"""Width and height of the window: a telephone, a tablet, a desk."""
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
FOLDER = Path("build/screenshots")


class Picture(NamedTuple):
    """A picture of the README: the name of its view (`list_views`), and the colors."""

    view: str
    scheme: Scheme


README_PICTURES = {
    "page-data-row.png": Picture("row-image", "light"),
    "page-requests.png": Picture("requests", "dark"),
}
"""The pictures of the README, in `docs`."""
README_SIZE = ViewportSize(width=1440, height=900)


def take(folder: Path, names: list[str]) -> None:
    """Takes pictures of all views and those of the README, or of the views whose name begins with one of `names`."""
    folder.mkdir(parents=True, exist_ok=True)
    with ServedWorld() as server, open_browser() as browser:
        populate(server)
        views = list_views(server)
        if not names:
            take_readme_pictures(browser, server.url, views)
        chosen = {name: path for name, path in views.items() if not names or name.startswith(tuple(names))}
        for (width, height), scheme in product(WIDTHS.items(), SCHEMES):
            size = ViewportSize(width=width, height=height)
            with browser.new_context(base_url=server.url, color_scheme=scheme, viewport=size) as context:
                context.set_default_timeout(PATIENCE)
                page = context.new_page()
                for name, path in chosen.items():
                    open_view(page, path)
                    page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
    print(f"{len(chosen) * len(WIDTHS) * len(SCHEMES)} pictures in {folder}")


def take_readme_pictures(browser: Browser, url: str, views: dict[str, str]) -> None:
    """Takes the pictures of the README, as large as a window."""
    for name, picture in README_PICTURES.items():
        with browser.new_context(base_url=url, color_scheme=picture.scheme, viewport=README_SIZE) as context:
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
            open_view(page, views[picture.view])
            page.screenshot(path=REPOSITORY / "docs" / name)


def open_view(page: Page, path: str) -> None:
    """Opens a view, and waits until its pictures that are seen are loaded."""
    page.goto(path)
    for picture in page.locator("img").all():
        if picture.is_visible():
            picture.evaluate("image => image.decode().catch(() => null)")


if __name__ == "__main__":
    take(FOLDER, sys.argv[1:])
