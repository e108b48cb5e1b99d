"""The record of the workspace itself, and which records belong to one life of it."""

from __future__ import annotations

from typing import ClassVar

from mockserver.world.record import JsonText, Record
from mockserver.world.records.api_keys import ApiKey
from mockserver.world.records.events import Event
from mockserver.world.records.faults import ArmedFault
from mockserver.world.records.imports import AnnotationImport, ImportRow
from mockserver.world.records.jobs import Job
from mockserver.world.records.legacy import LegacyFile
from mockserver.world.records.polls import Poll
from mockserver.world.records.tasks import Task
from mockserver.world.records.uploads import Upload
from mockserver.world.records.webhooks import Attempt, Delivery, Subscription

GENERATED = "generated"
"""The incarnation of a world that no workspace has begun to live in."""


class Workspace(Record, frozen=True):
    """The one row that describes this world. `name` is its API key; `progression` and `switches` are JSON
    (world/progression.py, world/switches.py)."""

    TABLE: ClassVar[str] = "workspace"
    name: str
    scenario: str
    seed: int
    ends: int
    incarnation: str
    sequence: int
    organization_id: str
    user_id: str
    clock_offset: int = 0
    clock_frozen_at: int | None = None
    progression: JsonText = JsonText("{}")
    switches: JsonText = JsonText("{}")
    faults: JsonText = JsonText("[]")
    """The faults of its scenario, a list of rules (faults/rule.py)."""
    payload_date: str | None = None
    """As YYYY-MM-DD: exports are written as the service wrote them on that day. None: as it writes them today."""
    key_revoked: bool = False
    """Whether clients are refused as if the key named no workspace."""
    files: JsonText = JsonText("[]")
    """The attributes of imported files, a list of rules of its scenario (world/file_rules.py)."""
    requested_faults: int = 0
    """How many faults this life has had, those of its scenario included: the next one has the next number."""


OF_ONE_LIFE: tuple[type[Record], ...] = (
    ApiKey,
    Task,
    ImportRow,
    Job,
    AnnotationImport,
    LegacyFile,
    Poll,
    ArmedFault,
    Upload,
    Event,
    Subscription,
    Delivery,
    Attempt,
)
"""Records that belong to one life of a workspace: they are no part of its generated world, and the next life begins
without them."""
