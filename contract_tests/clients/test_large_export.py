"""An export of several files, as every client puts them together."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.clients.clients import CLIENTS, Client, ClientKind, RunningPrograms
from contract_tests.clients.test_project_export import ids_of
from contract_tests.serving import ServedWorld

ROWS = 2500
SCENARIO = f"""
description = "Pictures enough for several result files."

[ontologies.boxes]
media = "image"
tools = [{{ name = "Box", tool = "rectangle", questions = [{{ name = "Note", type = "text", required = true }}] }}]

[[projects]]
name = "large"
media = "image"
ontology = "boxes"
labelled = {ROWS}
skipped = 0
unlabelled = 0
variants = 64
"""
FIRST_AND_LAST = {kind.way: kind for kind in reversed(CLIENTS)} | {f"last {kind.way}": kind for kind in CLIENTS}
"""How files are put together depends on the way of reading: the oldest and the newest client of each way try it."""
TABLE = [
    pytest.param(kind, id=kind.name, marks=pytest.mark.xdist_group(kind.program.name))
    for kind in CLIENTS
    if kind in FIRST_AND_LAST.values()
]
HEADER = "query($id: ID!) {task(where: {id: $id}) {exportMetadataHeader(streamType: RESULT) {totalSize totalLines}}}"
FILE = (
    "query($id: ID!, $offset: UInt64!) {task(where: {id: $id})"
    " {exportFileFromOffset(streamType: RESULT, offset: $offset) {offsets {start end} lines {start end} file}}}"
)


@pytest.fixture(scope="session")
def large_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWorld]:
    file: Path = tmp_path_factory.mktemp("large") / "large.toml"
    file.write_text(SCENARIO)
    with ServedWorld("--scenario", str(file)) as world:
        yield world


@pytest.mark.known("client")
@pytest.mark.parametrize("kind", TABLE)
def test_all_files_together_are_all_rows_in_order(
    kind: ClientKind, programs: RunningPrograms, large_world: ServedWorld
) -> None:
    client: Client = programs.client(kind, large_world)
    exported = client.export_project(large_world.projects["large"], {"label_details": True})
    numbers = [int(row["data_row"]["global_key"].rsplit("-", 1)[1]) for row in exported.rows]
    assert numbers == list(range(1, ROWS + 1))
    assert len(set(ids_of(exported.rows))) == ROWS
    assert file_count(large_world, exported.task_id) > 2


def file_count(world: ServedWorld, task_id: str) -> int:
    size = int(world.ask(HEADER, id=task_id)["task"]["exportMetadataHeader"]["totalSize"])
    offset = files = 0
    while offset < size:
        file = world.ask(FILE, id=task_id, offset=str(offset))["task"]["exportFileFromOffset"]
        offset = int(file["offsets"]["end"]) + 1
        files += 1
    return files
