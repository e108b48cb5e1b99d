"""The settings of one workspace, and the beginning of its lives."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.world.clause import EVERYTHING
from mockserver.world.progression import Progression, decode_progression
from mockserver.world.records.workspace import GENERATED, OF_ONE_LIFE, Workspace
from mockserver.world.store import Store
from mockserver.world.switches import Switches, decode_switches


class WorkspaceSettings:
    """The settings of one store, as its database keeps them. They hold from the moment they are set: what runs or is
    written already stays as it is."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def progression(self) -> Progression:
        return decode_progression(self._store.workspace.progression)

    def set_progression(self, progression: Progression) -> None:
        self._update(progression=progression.text())

    @property
    def switches(self) -> Switches:
        return decode_switches(self._store.workspace.switches)

    def set_switches(self, switches: Switches) -> None:
        self._update(switches=switches.text())

    def set_payload_date(self, date: str | None) -> None:
        """`date` as YYYY-MM-DD; None is today."""
        self._update(payload_date=date)

    def set_key_revoked(self, revoked: bool) -> None:
        self._update(key_revoked=revoked)

    def save_clock(self) -> None:
        """Saves where the clock is, for the next time this world is opened."""
        clock = self._store.clock
        self._update(clock_offset=clock.offset, clock_frozen_at=clock.frozen_at)

    def begin_life(
        self,
        *,
        name: str,
        incarnation: str | None = None,
        switches: Mapping[str, str] | None = None,
        payload_date: str | None = None,
    ) -> None:
        """Makes a copied world a workspace of its own: a new incarnation, no tasks, no events, nothing to send.

        Switches that are not named, and a payload date that is None, stay as the copied world has them. All of it is
        one transaction: no world ever has a part of it.
        """
        with self._store.change() as change:
            world, clock = self._store.workspace, self._store.clock
            if world.incarnation != GENERATED:
                change.connection.script("; ".join(f"DELETE FROM {kind.TABLE}" for kind in OF_ONE_LIFE))
            self._update(
                name=name,
                incarnation=incarnation or new_incarnation(),
                sequence=0,
                requested_faults=0,
                key_revoked=False,
                clock_offset=clock.offset,
                clock_frozen_at=clock.frozen_at,
                switches=msgspec.structs.replace(decode_switches(world.switches), **(switches or {})).text(),
                payload_date=payload_date or world.payload_date,
            )

    def _update(self, **values: Any) -> None:
        with self._store.change() as change:
            change.connection.update(Workspace, EVERYTHING, **values)


def new_incarnation() -> str:
    """The name of a life that no workspace has had or will have: 64 random bits."""
    return secrets.token_hex(8)
