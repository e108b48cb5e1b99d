"""The documentation: the files that the package carries, in the groups and the order of zensical.toml."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parents[1]
FOLDERS = (PACKAGE / "_docs", PACKAGE.parent / "docs")
"""Of a wheel, and of a checkout."""
TABLES = (PACKAGE / "_docs" / "zensical.toml", PACKAGE.parent / "zensical.toml")
CONTENT_TYPES = {".json": "application/json", ".yaml": "text/plain", ".svg": "image/svg+xml"}
"""The content types of files that are not pages."""
FILES = "Files"
"""The group of the files that are not pages."""


class Document(NamedTuple):
    """A page of the documentation, or a file beside the pages. `name`: its path in the folder, `recipes/masks.md`."""

    name: str
    path: Path
    title: str
    group: str

    @property
    def is_page(self) -> bool:
        return self.path.suffix == ".md"


def find_documents() -> list[Document]:
    """Lists the pages in reading order, and then the files; nothing if this installation has no documentation."""
    for folder, table in zip(FOLDERS, TABLES, strict=True):
        if table.is_file():
            return list(_list_documents(folder, read_groups(table)))
    return []


def read_groups(table: Path) -> dict[str, list[str]]:
    """Reads the names of the pages by their group."""
    groups: list[dict[str, list[str]]] = tomllib.loads(table.read_text("utf-8"))["project"]["nav"]
    return {title: names for group in groups for title, names in group.items()}


def _list_documents(folder: Path, groups: dict[str, list[str]]) -> Iterator[Document]:
    for group, names in groups.items():
        for name in names:
            yield Document(name, folder / name, read_title(folder / name), group)
    for path in sorted(path for path in folder.iterdir() if path.suffix in {".json", ".yaml"}):
        yield Document(path.name, path, read_title(path), FILES)


def find_picture(name: str) -> Path | None:
    """Returns the path of a picture beside the pages."""
    for folder, table in zip(FOLDERS, TABLES, strict=True):
        if table.is_file():
            return next((path for path in folder.glob("*.svg") if path.name == name), None)
    return None


def read_title(path: Path) -> str:
    """Reads the title of a document: its first line, or the name inside a Postman collection, or that of the file."""
    if path.suffix == ".json":
        return f"{json.loads(path.read_text('utf-8'))['info']['name']} (Postman collection)"
    if path.suffix == ".md":
        return path.read_text("utf-8").partition("\n")[0].lstrip("# ")
    return path.name
