"""Checks whether a kept workspace can be served, and says in one line what is wrong with one that cannot."""

from __future__ import annotations

import datetime
from typing import NamedTuple

from mockserver.conversion import convert
from mockserver.storage.manifest import Origin, WorkspaceManifest
from mockserver.world.progression import decode_progression
from mockserver.world.records.workspace import Workspace
from mockserver.world.schema import check_tables
from mockserver.world.store import Store
from mockserver.world.switches import Switches, decode_switches

LAST_MOMENT = 253_402_300_800_000_000
"""The end of the year 9999 in microseconds UTC; no clock goes further, nor as far back."""


class WorkspaceDamaged(Exception):
    """A workspace cannot be served. The message names the file, folder or table, and what is wrong with it."""


class WorkspaceUnreachable(WorkspaceDamaged):
    """A fault of the machine, like a full disk, prevents that a workspace is opened. It is not damaged."""


class Damage(NamedTuple):
    """A workspace that cannot be served. `api_key` is None where even the API key cannot be read.

    `name` is the name under which the storage keeps it (`name_home`), and `place` the whole path.
    """

    name: str
    place: str
    api_key: str | None
    error: WorkspaceDamaged

    def __str__(self) -> str:
        whose = "a workspace" if self.api_key is None else f"the workspace of the API key {self.api_key!r}"
        return f"{self.error}. So {whose} is not served, the others are: {self.give_advice('to go on without it')}"

    def give_advice(self, purpose: str) -> str:
        """Says what a user can do; `purpose` is that of moving the workspace away, if nothing less helps."""
        if isinstance(self.error, WorkspaceUnreachable):
            return "start the server again when that is mended, no file is damaged"
        return f"put the file back from a copy, or move {self.place} away {purpose}"


def check_origin(origin: Origin) -> None:
    """Raises msgspec.ValidationError where a switch is unknown."""
    convert(origin.switches, Switches)


def check_world(store: Store, manifest: WorkspaceManifest, place: object) -> None:
    """Checks a world before anything is written to it: it may belong to another workspace.

    Raises WorkspaceDamaged, msgspec.DecodeError, and what the database raises.
    """
    with store.reading() as connection:
        check_tables(connection)
        worlds = connection.select(Workspace)
    if len(worlds) != 1:
        raise WorkspaceDamaged(f"{place} is damaged: its table of workspaces has {len(worlds)} rows instead of one")
    [world] = worlds
    if (world.name, world.incarnation) != (manifest.api_key, manifest.incarnation):
        raise WorkspaceDamaged(f"{place} is the world of another workspace, {world.name!r}")
    decode_switches(world.switches)
    decode_progression(world.progression)
    numbers = (world.ends, world.sequence, world.clock_offset, world.clock_frozen_at or 0)
    if not all(isinstance(number, int) and abs(number) < LAST_MOMENT for number in numbers):
        raise WorkspaceDamaged(f"{place} is damaged: its clock or its end is not a timestamp, {numbers}")
    if not isinstance(world.seed, int):
        raise WorkspaceDamaged(f"{place} is damaged: its seed is {world.seed!r}")
    if world.payload_date is not None:
        _check_date(world.payload_date, place)


def _check_date(text: str, place: object) -> None:
    try:
        datetime.date.fromisoformat(text)
    except (TypeError, ValueError):
        raise WorkspaceDamaged(f"{place} is damaged: its payload date is {text!r}") from None
