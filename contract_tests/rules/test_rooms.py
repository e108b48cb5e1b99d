"""The rooms of mockserver/ are on storeys: each room imports only from rooms on the storeys under its own."""

import ast
from collections.abc import Container, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "mockserver"

GROUND = "__init__"
STOREYS: tuple[tuple[str, ...], ...] = (
    (GROUND,),
    ("errors",),
    ("processes", "places", "locks", "parts", "packages", "vocabulary", "digits", "conversion", "report_page"),
    ("settings", "junit"),
    ("folders",),
    ("links",),
    ("serving",),
    ("proxy",),
    ("http",),
    ("journal",),
    ("faults",),
    ("world",),
    ("generate", "results"),
    ("imports",),
    ("exports",),
    ("webhooks",),
    ("certification",),
    ("jobs", "storage"),
    ("workspaces",),
    ("forwarding",),
    ("api", "control", "console"),
    ("routes",),
    ("error_answers",),
    ("app",),
    ("server",),
    ("testing",),
    ("contract",),
    ("commands",),
    ("__main__",),
    ("entry_points",),
)
"""The rooms, from the ground up. Rooms on one storey are sisters: they do not import each other."""
ROOMS = tuple(room for storey in STOREYS for room in storey)


def test_each_room_imports_only_from_rooms_under_it() -> None:
    assert wrong_imports(PACKAGE) == []


def test_no_file_imports_itself_through_others() -> None:
    assert find_circle(PACKAGE) == []


def test_a_circle_of_imports_is_named_also_if_they_are_for_types_or_late(tmp_path: Path) -> None:
    files = {
        "world/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from mockserver.world.b import B",
        "world/b.py": "def late():\n    from mockserver.world import a",
        "world/c.py": "import mockserver.world.b",
        "world/__init__.py": "",
    }
    circle = find_circle(write_package(tmp_path, files))
    assert set(circle) == {"mockserver.world.a", "mockserver.world.b"}


def find_circle(package: Path) -> list[str]:
    """The names of files each of which imports the next one, the first at both ends; none if there is no circle."""
    names = {name_module(file, package): file for file in package.rglob("*.py")}
    imports = {name: {*list_imports(file, package, names)} - {name} for name, file in names.items()}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return [str(name) for name in error.args[1]]
    return []


def name_module(file: Path, package: Path) -> str:
    return ".".join(file.relative_to(package.parent).with_suffix("").parts).removesuffix(f".{GROUND}")


def list_imports(file: Path, package: Path, names: Container[str]) -> Iterator[str]:
    """The modules that a file imports anywhere; of a package the module that is named, where one is."""
    for node in ast.walk(ast.parse(file.read_text(), filename=str(file))):
        if isinstance(node, ast.ImportFrom):
            source = absolute(node, file, package)
            inner = [f"{source}.{alias.name}" for alias in node.names]
            yield from (name if name in names else source for name in inner)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


ENGINE = "mockserver.world.sqlite"
ENGINE_USERS = {
    "certification/documents.py",
    "exports/samples.py",
    "generate/prepared.py",
    "storage/folder_storage.py",
    "storage/fork_origins.py",
    "storage/generated_lives.py",
    "storage/world_files.py",
    "storage/worlds.py",
}
"""The files outside of the world that know which engine keeps it: those that build SQLite files, copy or open them."""


def test_only_builders_of_files_and_the_folder_storage_know_the_engine() -> None:
    users = {
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        for _, module in imports_of(file, PACKAGE)
        if module == ENGINE and file.parent != PACKAGE / "world"
    }
    assert users == ENGINE_USERS


def test_a_wrong_import_is_named_with_what_would_be_right(tmp_path: Path) -> None:
    package = write_package(tmp_path, {"world/store.py": "import os\n\nfrom mockserver.api.auth import key_of\n"})
    [wrong] = wrong_imports(package)
    assert wrong.startswith("mockserver/world/store.py:3: world may not import mockserver.api.auth; only __init__, ")
    assert wrong.endswith("links, serving, proxy, http, journal, faults")


@pytest.mark.parametrize(
    "source",
    [
        "import mockserver.app",
        "from mockserver import app",
        "from mockserver.app import routes",
        "from .. import app",
        "from ..app import routes",
        "def later():\n    from mockserver import app",
        "if TYPE_CHECKING:\n    from mockserver import app",
    ],
)
def test_every_spelling_of_an_import_counts(tmp_path: Path, source: str) -> None:
    assert len(wrong_imports(write_package(tmp_path, {"exports/rows.py": source}))) == 1


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("exports/rows.py", "from mockserver.world import clock"),
        ("exports/rows.py", "from mockserver.exports import chunks"),
        ("exports/rows.py", "from . import chunks"),
        ("exports/rows.py", "from mockserver import __version__"),
        ("settings.py", "from mockserver.errors import Refused"),
        ("settings.py", "from .errors import Refused"),
        ("errors.py", "import mockserver_of_another_house"),
    ],
)
def test_a_room_on_a_lower_storey_may_be_imported(tmp_path: Path, file: str, source: str) -> None:
    assert wrong_imports(write_package(tmp_path, {file: source})) == []


@pytest.mark.parametrize(("room", "sister"), [("control", "api"), ("console", "api"), ("console", "control")])
def test_rooms_on_one_storey_do_not_import_each_other(tmp_path: Path, room: str, sister: str) -> None:
    [wrong] = wrong_imports(write_package(tmp_path, {f"{room}/page.py": f"from mockserver.{sister} import words"}))
    assert wrong.startswith(f"mockserver/{room}/page.py:1: {room} may not import mockserver.{sister}; only __init__, ")


def test_a_room_that_is_not_in_the_list_is_named(tmp_path: Path) -> None:
    [wrong] = wrong_imports(write_package(tmp_path, {"utils.py": "import os"}))
    assert wrong.startswith("mockserver/utils.py: no room of that name; the rooms are __init__, errors,")


def write_package(folder: Path, files: dict[str, str]) -> Path:
    package = folder / "mockserver"
    for name, source in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(source)
    return package


def wrong_imports(package: Path) -> list[str]:
    return [wrong for file in sorted(package.rglob("*.py")) for wrong in wrong_in(file, package)]


def wrong_in(file: Path, package: Path) -> Iterator[str]:
    path = file.relative_to(package.parent)
    room = room_of(path.with_suffix("").parts)
    if room not in ROOMS:
        yield f"{path}: no room of that name; the rooms are {', '.join(ROOMS)}"
        return
    under = rooms_under(room)
    for line, module in imports_of(file, package):
        imported = room_of(tuple(module.split(".")))
        if imported != room and imported not in under:
            only = ", ".join(under) or "nothing of ours"
            yield f"{path}:{line}: {room} may not import {module}; only {only}"


def rooms_under(room: str) -> list[str]:
    """The rooms that `room` may import: all rooms on the storeys under its own."""
    number = next(number for number, storey in enumerate(STOREYS) if room in storey)
    return [under for storey in STOREYS[:number] for under in storey]


def room_of(parts: tuple[str, ...]) -> str:
    """`mockserver`, `world`, `clock` -> `world`; `mockserver` alone is its `__init__`."""
    return parts[1] if len(parts) > 1 else GROUND


def imports_of(file: Path, package: Path) -> Iterator[tuple[int, str]]:
    """Yields line and full name of every import of this package, wherever in the file it is."""
    for node in ast.walk(ast.parse(file.read_text(), filename=str(file))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = modules_named(node, file, package)
            yield from ((node.lineno, module) for module in modules if module.split(".")[0] == package.name)


def modules_named(node: ast.Import | ast.ImportFrom, file: Path, package: Path) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    source = absolute(node, file, package)
    if source != package.name:
        return [source]
    names = [alias.name for alias in node.names]
    return [f"{source}.{name}" if name in ROOMS else source for name in names]


def absolute(node: ast.ImportFrom, file: Path, package: Path) -> str:
    modules = [node.module] if node.module else []
    if node.level == 0:
        return ".".join(modules)
    folders = file.relative_to(package.parent).parent.parts
    return ".".join([*folders[: len(folders) - node.level + 1], *modules])
