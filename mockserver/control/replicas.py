"""The control of the servers that share the workspaces."""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from mockserver import __version__
from mockserver.http.requests import base_url
from mockserver.settings import Settings
from mockserver.storage.interface import ReplicaStatus
from mockserver.storage.state import name_replica
from mockserver.workspaces.lifecycle import Workspaces

MOST_KEYS = 100
"""API keys that are listed of one server."""


class ReplicaView(msgspec.Struct, frozen=True):
    """A server of the state. `api_keys` are those of the first 100 `workspaces` that it serves; `heartbeat_age` is in
    seconds, by the clock of the database; `this` marks the server that has answered."""

    number: int
    name: str
    address: str
    version: str
    heartbeat_age: float
    this: bool
    workspaces: int
    api_keys: list[str]


class ReplicaList(msgspec.Struct, frozen=True):
    """The servers that live, and how many workspaces none of them serves at the moment."""

    replicas: list[ReplicaView]
    unserved: int


class ReplicaControl:
    """Lists replicas."""

    def __init__(self, settings: Settings, workspaces: Workspaces) -> None:
        self._settings, self._workspaces = settings, workspaces

    def list_replicas(self, request: Request, _body: None) -> ReplicaList:
        """Lists the servers that share the workspaces, and which of these each one serves."""
        replicas = self._list(request)
        unserved = self._workspaces.count() - sum(replica.workspaces for replica in replicas)
        views = [
            ReplicaView(
                replica.number, replica.name, replica.address, replica.version, round(max(replica.age, 0.0), 3),
                replica.is_this, replica.workspaces, replica.api_keys,
            )
            for replica in replicas
        ]  # fmt: skip
        return ReplicaList(views, max(unserved, 0))

    def _list(self, request: Request) -> list[ReplicaStatus]:
        """A server with a state folder is alone, and serves all workspaces."""
        if self._workspaces.owners is not None:
            return self._workspaces.owners.lookup.list_replicas(MOST_KEYS)
        keys = self._workspaces.list_keys()
        name = name_replica(self._settings)
        address = base_url(request, self._settings.public_url)
        return [ReplicaStatus(1, name, address, __version__, 0.0, True, len(keys), sorted(keys)[:MOST_KEYS])]
