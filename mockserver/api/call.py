"""What a resolver knows of the request it works for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from mockserver.api.workspaces import Workspace
from mockserver.errors import NotFound
from mockserver.world.database import EVERYTHING, Clause, Connection, R, Record, where
from mockserver.world.store import Store


class Call(msgspec.Struct, frozen=True):
    """`base_url` is scheme and host of the URLs in the answer, without a slash at its end."""

    workspace: Workspace
    base_url: str

    @property
    def store(self) -> Store:
        return self.workspace.store

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self.workspace.store.reading() as connection:
            yield connection

    def select(self, kind: type[R], clause: Clause = EVERYTHING, **page: Any) -> list[R]:
        with self.reading() as connection:
            return connection.select(kind, clause, **page)

    def find(self, kind: type[R], record_id: str | None) -> R | None:
        """By id; None for None."""
        if record_id is None:
            return None
        with self.reading() as connection:
            return connection.find(kind, where("id = :id", id=record_id))

    def one(self, kind: type[R], clause: Clause, what: str) -> R:
        """The record that meets the clause. Raises NotFound saying `what` was looked for."""
        with self.reading() as connection:
            found = connection.find(kind, clause)
        if found is None:
            raise NotFound(f"{what} does not exist in this workspace")
        return found

    def count(self, kind: type[Record], clause: Clause) -> int:
        with self.reading() as connection:
            return connection.count(kind, clause)


def call_of(info: Any) -> Call:
    """The request a resolver works for."""
    call: Call = info.context
    return call
