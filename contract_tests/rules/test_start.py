"""The modules that a server imports until its first answer: everything else is imported when it is first used."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from contract_tests.rules.commands.starting import ask, ready
from contract_tests.serving import environment_without_settings
from mockserver.world import records
from mockserver.world.schema import RECORDS, schema_parts, tables

NEEDED = {
    "certification": set(),
    "console": {"", "routes"},
    "contract": set(),
    "control": {"", "bodies", "control", "handlers", "health", "monitoring", "ready", "routes"},
    "exports": set(),
    "generate": {"", "chance", "fixtures", "prepared", "scenario_files"},
    "imports": set(),
    "jobs": {"", "long_changes", "turns"},
    "proxy": set(),
    "results": {"", "budget", "folder_results", "interface", "results_root"},
    "testing": set(),
}
"""Room -> its modules that a start may import; rooms that are not listed may be imported whole."""
RESOLVERS, CHANGES = "mockserver.api.graphql.resolvers.", "mockserver.world.changes."
NEEDED_RESOLVERS = {"people"}
NEEDED_CHANGES = {"deliveries", "settings", "tasks"}
OF_FEW_SERVERS = {
    "storage.database_state", "storage.membership", "workspaces.ownership", "workspaces.ownership_search",
    "workspaces.sweeper",
}  # fmt: skip
"""Modules for workspaces that several servers share, or that are deleted when they are idle."""
FOREIGN = {
    "faker", "graphql.execution.execute", "graphql.graphql", "html.entities", "hypothesis", "multiprocessing", "pytest",
    "requests", "tomllib", "unicodedata", "uvicorn.main",
}  # fmt: skip
"""Modules of others that a start has no use for."""

PROGRAM = """
import atexit, pathlib, sys
list_file = pathlib.Path(sys.argv.pop(1))
atexit.register(lambda: list_file.write_text(" ".join(sys.modules)))
from mockserver.__main__ import main
main()
"""
"""Serves, and lists at its end which modules were imported."""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The modules that a server has imported when it has answered who the user is. Its world is prepared."""
    folder = tmp_path_factory.mktemp("start")
    cache = {"LABELBOX_MOCKSERVER_CACHE": str(folder / "cache")}
    listed: set[str] = set()
    for _start in ("generates the world", "finds it prepared"):
        (folder / "ready.json").unlink(missing_ok=True)
        listed = list_imported(folder, cache)
    return listed


def list_imported(folder: Path, environment: dict[str, str]) -> set[str]:
    variables = environment_without_settings() | environment
    command = [sys.executable, "-c", PROGRAM, str(folder / "imported.txt")]
    flags = ["serve", "--port", "0", "--ready-file", str(folder / "ready.json")]
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, *flags], env=variables, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            addresses = ready(process, folder)
            assert ask(addresses, "{user {id email}}")["user"]["id"]
            assert requests.get(f"{addresses['url']}/_mock/health", timeout=60).status_code == 200
            process.terminate()
            process.wait(60)
        finally:
            process.kill()
    return set((folder / "imported.txt").read_text().split())


def test_a_start_imports_only_what_its_first_answer_needs(imported: set[str]) -> None:
    modules = {module for module in imported if module.startswith("mockserver.")}
    assert "mockserver.app" in modules
    needless = {module for module in modules if not is_needed(module)}
    assert needless == set(), "import these modules when they are first used"


def test_a_start_imports_no_part_of_workspaces_that_few_servers_need(imported: set[str]) -> None:
    assert not {f"mockserver.{name}" for name in OF_FEW_SERVERS} & imported


def is_needed(module: str) -> bool:
    _, room, *inner = module.split(".")
    return room not in NEEDED or (inner[0] if inner else "") in NEEDED[room]


def test_a_start_imports_the_resolvers_of_the_first_document_alone(imported: set[str]) -> None:
    names = {module.removeprefix(RESOLVERS) for module in imported if module.startswith(RESOLVERS)}
    assert names == NEEDED_RESOLVERS


def test_a_start_imports_only_the_changes_that_every_workspace_makes(imported: set[str]) -> None:
    names = {module.removeprefix(CHANGES) for module in imported if module.startswith(CHANGES)}
    assert names == NEEDED_CHANGES


def test_a_start_imports_no_library_that_is_for_other_work(imported: set[str]) -> None:
    assert not FOREIGN & imported


def test_every_table_is_known_although_its_record_was_not_imported() -> None:
    program = "from mockserver.world.schema import tables; print(*(kind.TABLE for kind in tables()))"
    printed = subprocess.run(
        [sys.executable, "-c", program], env=os.environ, capture_output=True, text=True, check=True
    ).stdout
    assert sorted(printed.split()) == sorted(kind.TABLE for kind in tables())
    assert len(printed.split()) == schema_parts()[0].count("CREATE TABLE")
    assert set(RECORDS) == {path.stem for path in Path(records.__file__).parent.glob("[!_]*.py")}
