"""Payloads of earlier dates, read by the SDKs of their time."""

from typing import Any

import pytest

from contract_tests.clients.clients import CLIENTS, ClientKind, RunningPrograms
from contract_tests.clients.test_project_export import EVERY_PARAM
from contract_tests.serving import ServedWorld
from mockserver.testing import MockServer

TABLE = [
    pytest.param(kind, id=kind.name, marks=pytest.mark.xdist_group(kind.program.name))
    for kind in CLIENTS
    if kind.program.name.startswith("sdk-3.") and kind.way.startswith("export_v2")
]
OF_ALL_TIMES = ("image", "text", "geospatial")


def select_params(kind: ClientKind) -> dict[str, bool]:
    return {name: value for name, value in EVERY_PARAM.items() if name not in kind.lacks}


@pytest.mark.known("sample")
@pytest.mark.matrix
@pytest.mark.parametrize("kind", TABLE)
@pytest.mark.parametrize(
    "world",
    [{"scenario": "classic-2023"}, {"payload_date": "2023-04-15"}, {"payload_date": "2023-06-30"},
     {"payload_date": "2024-03-01"}, {"payload_date": "2024-08-01"}, {"payload_date": "2024-12-18"},
     {"payload_date": "2025-05-25"}],
    ids=lambda world: "-".join(world.values()),
)  # fmt: skip
def test_an_sdk_reads_the_payloads_of_its_time(
    programs: RunningPrograms, server: ServedWorld, kind: ClientKind, world: dict[str, Any]
) -> None:
    workspace = MockServer.from_url(server.url).workspace(**world)
    client = programs.client(kind, server).with_key(workspace.api_key)
    for project in workspace.projects if world.get("scenario") else OF_ALL_TIMES:
        exported = client.export_project(workspace.project(project), select_params(kind))
        assert exported.rows == list(
            workspace.expected_rows(project, params=select_params(kind), task_id=exported.task_id)
        )
        assert len(exported.rows) > 4
    workspace.delete()
