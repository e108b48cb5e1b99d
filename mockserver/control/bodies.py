"""The bodies and queries of the control API. msgspec checks requests by them, and OpenAPI is generated from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from mockserver.settings import KEY_PATTERN, LONGEST_KEY
from mockserver.webhooks.options import describe
from mockserver.world.progression import Pace

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_KEY, pattern=KEY_PATTERN)]
DateTime = Annotated[
    str, describe(pattern=r"^\d{4}-?\d{2}-?\d{2}", anyOf=[{"format": "date"}, {"format": "date-time"}])
]
"""ISO 8601. Without an offset it is UTC."""
Date = Annotated[str, describe(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", format="date")]
Incarnation = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_KEY)]
Seed = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The body of a request: an unknown key is an error."""


class SetSwitches(Body, frozen=True, kw_only=True):
    """Changes only the switches in the body."""

    legacy_cache: Literal["fresh", "stale"] | None = None
    frames: Literal["redirect", "redirect_elsewhere", "direct"] | None = None
    masks: Literal["dated", "composite", "both", "numbered", "plain"] | None = None
    key_frame_feature_map: Literal["own", "list", "dict"] | None = None
    characters: Literal["ascii", "utf-8"] | None = None
    future: Literal["none", "fields", "numbers", "media", "values"] | None = None
    validation: Literal["told", "masked"] | None = None

    @property
    def changes(self) -> dict[str, str]:
        """The switches to change, by name."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}


class NewWorkspace(Body, frozen=True, kw_only=True):
    """Creates a workspace from a scenario (name or file), or as a fork of another. The default `api_key` is random."""

    scenario: str | None = None
    fork_of: str | None = None
    seed: Seed | None = None
    ends: DateTime | None = None
    payload_date: Date | None = None
    switches: SetSwitches | None = None
    api_key: Key | None = None
    incarnation: Incarnation | None = None


class Reset(Body, frozen=True, kw_only=True):
    """`incarnation` fixes the ids that the workspace creates after the reset; without it they are new each time."""

    incarnation: Incarnation | None = None


class MoveClock(Body, frozen=True, kw_only=True):
    """`advance` in seconds; `set` an ISO date-time; `freeze` true or false. The order is freeze, set, advance."""

    advance: Annotated[float, msgspec.Meta(ge=0, le=1e10)] | None = None
    set: DateTime | None = None
    freeze: bool | None = None


class ClockView(msgspec.Struct, frozen=True):
    """The workspace's clock."""

    now: str
    frozen: bool


class SetProgression(Body, frozen=True, kw_only=True):
    """Changes only the progressions in the body."""

    exports: Pace | None = None
    imports: Pace | None = None
    processing: Pace | None = None


class ExpectRows(Body, frozen=True, kw_only=True):
    """Names one thing to export, in the SDK's words: a project, dataset, slice or model run (name or id), data rows by
    id or global key, or the whole catalog; `params` and `filters` as the SDK's `export` takes them.

    `task_id` names the export whose rows these must equal; the default is the newest export of the same thing.
    """

    project: str | None = None
    dataset: str | None = None
    slice: str | None = None
    model_run: str | None = None
    data_rows: list[str] | None = None
    global_keys: list[str] | None = None
    catalog: bool = False
    params: dict[str, Any] = {}
    filters: dict[str, Any] = {}
    task_id: str | None = None


class SetKey(Body, frozen=True, kw_only=True):
    """Whether clients with the key of the workspace are refused."""

    revoked: bool


class KeyView(msgspec.Struct, frozen=True):
    api_key: str
    revoked: bool


class Health(msgspec.Struct, frozen=True):
    status: str
    version: str


class WorkspaceList(msgspec.Struct, frozen=True):
    api_keys: list[str]


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Query parameters that all controls of a workspace accept. Unknown ones are ignored."""

    api_key: str | msgspec.UnsetType = msgspec.UNSET


class Refusal(msgspec.Struct, frozen=True):
    """The answer to a refused request: what was received and what was expected, and a code of docs/errors.md."""

    message: str
    code: str
