"""Changes of the API keys that users create."""

from __future__ import annotations

from mockserver.errors import Conflict
from mockserver.world.clause import Clause
from mockserver.world.clock import SECOND
from mockserver.world.record import encode_json
from mockserver.world.records.api_keys import ApiKey
from mockserver.world.store import Store

MOST_KEYS = 1_000


class ApiKeyChanges:
    """The changes of one store's API keys."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, name: str, user_id: str, role_id: str, *, seconds: int, allowed_ip_cidrs: list[str]) -> ApiKey:
        """Creates a key that is valid for so many seconds. Raises Conflict."""
        with self._store.change() as change:
            if change.connection.count(ApiKey) >= MOST_KEYS:
                raise Conflict(f"There are {MOST_KEYS:,} API keys already; reset the workspace to create others")
            key = ApiKey(
                change.new_id(), name, user_id, role_id, created_by=self._store.workspace.user_id,
                allowed_ip_cidrs=encode_json(allowed_ip_cidrs), expires_at=change.now + seconds * SECOND,
                revoked=False, created_at=change.now, updated_at=change.now,
            )  # fmt: skip
            change.connection.insert([key])
            return key

    def revoke(self, key_id: str) -> str:
        """Revokes a key, for ever. Raises NotFound."""
        with self._store.change() as change:
            key = change.one(ApiKey, key_id)
            change.connection.update(ApiKey, Clause("id = :id", id=key.id), revoked=True, updated_at=change.now)
            return key.id
