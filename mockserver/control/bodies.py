"""What the control API takes and gives. msgspec checks requests by these, and the OpenAPI document is made of them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from mockserver.world.progression import Pace

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9._~+=-]+$")]
"""It travels in a header, and in the path of the control that deletes it."""


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A request: a key it does not know is an error."""


class NewWorkspace(Body, frozen=True, kw_only=True):
    """From a scenario (name or file), or as a fork of another workspace. Without `api_key` one is drawn."""

    scenario: str | None = None
    fork_of: str | None = None
    seed: int | None = None
    ends: str | None = None
    payload_date: str | None = None
    api_key: Key | None = None
    incarnation: str | None = None


class Reset(Body, frozen=True, kw_only=True):
    """`incarnation` pins the ids of the new life; without it they never come again."""

    incarnation: str | None = None


class MoveClock(Body, frozen=True, kw_only=True):
    """`advance` in seconds; `set` an ISO moment; `freeze` true or false. First freeze, then set, then advance."""

    advance: Annotated[float, msgspec.Meta(ge=0, le=1e10)] | None = None
    set: str | None = None
    freeze: bool | None = None


class ClockFace(msgspec.Struct, frozen=True):
    """The workspace's time."""

    now: str
    frozen: bool


class SetProgression(Body, frozen=True, kw_only=True):
    """Only what is given changes. `imports` is refused until imports exist."""

    exports: Pace | None = None
    imports: Pace | None = None
    processing: Pace | None = None


class ExpectRows(Body, frozen=True, kw_only=True):
    """In the SDK's words: a project's name or id, `params` and `filters` as `project.export` takes them.

    `task_id` names the export whose rows these are to equal; by default the project's newest.
    """

    project: str
    params: dict[str, bool] = {}
    filters: dict[str, Any] = {}
    task_id: str | None = None


class Health(msgspec.Struct, frozen=True):
    status: str
    version: str


class WorkspaceList(msgspec.Struct, frozen=True):
    api_keys: list[str]
