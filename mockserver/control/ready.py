"""Addresses and ids of a workspace: the content of the ready file, and the answer to creating a workspace."""

from __future__ import annotations

import os

import msgspec

from mockserver.workspaces.lifecycle import OwnWorld
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.queries.conditions import LIVE, match_live_model
from mockserver.world.record import Record
from mockserver.world.records.data_rows import Dataset
from mockserver.world.records.models import ModelRun
from mockserver.world.records.projects import Project
from mockserver.world.records.slices import CatalogSlice


class Ready(msgspec.Struct, frozen=True):
    """Maps names to ids; of two records with the same name it has the newer one."""

    url: str
    graphql_url: str
    rest_url: str
    api_key: str
    organization_id: str
    pid: int
    projects: dict[str, str]
    datasets: dict[str, str]
    slices: dict[str, str]
    model_runs: dict[str, str]


def build_ready(workspace: OwnWorld, url: str) -> Ready:
    """Collects the addresses and ids of a workspace. `url` is scheme and host, without a slash at its end."""
    with workspace.store.reading() as connection:
        projects = _map_names(connection, Project)
        datasets = _map_names(connection, Dataset)
        slices = _map_names(connection, CatalogSlice)
        runs = _map_names(connection, ModelRun, LIVE & match_live_model())
    return Ready(
        url=url,
        graphql_url=f"{url}/graphql",
        rest_url=f"{url}/api/v1",
        api_key=workspace.api_key,
        organization_id=workspace.world.organization_id,
        pid=os.getpid(),
        projects=projects,
        datasets=datasets,
        slices=slices,
        model_runs=runs,
    )


def _map_names(connection: Connection, kind: type[Record], clause: Clause = LIVE) -> dict[str, str]:
    """The ids of records by their names."""
    return dict(connection.select_columns(kind, "name, id", clause, order="created_at, id"))
