"""Finds and lists the workspaces of a PostgreSQL database, with the servers that own them."""

from __future__ import annotations

from mockserver.storage.interface import Located, Lookup, Remote, ReplicaStatus
from mockserver.storage.manifest import name_home
from mockserver.storage.manifest_texts import read_key, read_links
from mockserver.world.postgres.catalog import Catalog
from mockserver.world.postgres.ownership import Owned, Ownership


class PostgresLookup(Lookup):
    """The workspaces in the manifests of one database. What it reads may change before the caller uses it."""

    def __init__(self, catalog: Catalog, ownership: Ownership) -> None:
        self._catalog, self._ownership = catalog, ownership

    def find(self, home: str) -> Located | None:
        owned = self._ownership.find(home)
        return None if owned is None else _build_located(owned)

    def locate(self, kind: str, value: str) -> Located | None:
        if kind == "token":
            return self._locate_by_token(value)
        if kind == "key":
            return self.find(name_home(value))
        owned = self._ownership.find_by_slug(value)
        return None if owned is None else _build_located(owned)

    def _locate_by_token(self, token: str) -> Located | None:
        """A token does not name its workspace: each is asked whether it has signed it."""
        for home, content in self._catalog.list_manifests():
            links = read_links(content)
            if links is not None and links.has_signed(token):
                return self.find(home)
        return None

    def list_keys(self) -> list[str]:
        keys = (read_key(content) for _, content in self._catalog.list_manifests())
        return [key for key in keys if key is not None]

    def list_replicas(self, most: int) -> list[ReplicaStatus]:
        replicas = []
        for server, count, manifests in self._ownership.list_shares(most):
            keys = [key for key in map(read_key, manifests) if key is not None]
            replicas.append(ReplicaStatus(*server, server.number == self._ownership.number, count, sorted(keys)))
        return replicas

    def has_label(self, label_id: str) -> bool:
        return self._ownership.has_label(label_id)

    def list_waiting(self, most: int) -> list[str]:
        return self._ownership.list_waiting(most)

    def list_unused(self, age: float, most: int) -> list[Located]:
        workspaces = (self.find(home) for home in self._ownership.list_unused(age, most))
        return [located for located in workspaces if located is not None and located.remote is None]


def _build_located(owned: Owned) -> Located:
    return Located(owned.home, read_key(owned.content), None if owned.owner is None else Remote(*owned.owner))
