"""What the control API takes and gives. msgspec checks requests by these, and the OpenAPI document is made of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from mockserver.exports.failures import Failure
from mockserver.settings import KEY_PATTERN, LONGEST_KEY
from mockserver.webhooks.exchange import TIMEOUT
from mockserver.webhooks.misbehaviour import MISBEHAVIOURS
from mockserver.webhooks.schedule import Schedule
from mockserver.webhooks.subscriptions import CONCURRENCY, Version
from mockserver.world.progression import Pace
from mockserver.world.webhooks import DeliveryState, SubscriptionStatus, Topic

LONGEST_WAIT = 60
"""Seconds that a request may wait for deliveries."""
MOST_SHOWN = 1000
"""Deliveries in one answer."""

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_KEY, pattern=KEY_PATTERN)]

Concurrency = Annotated[int, msgspec.Meta(ge=1, le=128)]
Timeout = Annotated[float, msgspec.Meta(gt=0, le=300)]
"""Seconds."""


def _told(**schema: Any) -> msgspec.Meta:
    """What JSON Schema says of something that our own code checks, in words that say more than msgspec's."""
    return msgspec.Meta(extra_json_schema=schema)


Url = Annotated[str, msgspec.Meta(max_length=2000, extra_json_schema={"minLength": 1, "format": "uri"})]
Secret = Annotated[str, _told(pattern=r"\S")]
"""A text that is not only spaces."""
Topics = Annotated[list[Annotated[str, _told(enum=list(Topic))]], _told(minItems=1)]
Status = Annotated[str, _told(enum=list(SubscriptionStatus))]
Misbehaviour = Annotated[str, _told(enum=list(MISBEHAVIOURS))]
Moment = Annotated[str, _told(pattern=r"^\d{4}-?\d{2}-?\d{2}", anyOf=[{"format": "date"}, {"format": "date-time"}])]
"""ISO 8601. Without an offset it is UTC."""
Date = Annotated[str, _told(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", format="date")]
Seed = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Happening = Literal[
    "LABEL_CREATED", "LABEL_UPDATED", "LABEL_DELETED", "REVIEW_CREATED", "REVIEW_UPDATED", "REVIEW_DELETED",
    "WORKFLOW_ACTION", "ISSUE_CREATED", "ISSUE_UPDATED", "ISSUE_DELETED", "METADATA_UPDATED",
    "PROJECT_TAGGED",
]  # fmt: skip
"""What can be made to happen."""


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A request: a key it does not know is an error."""


class SetSwitches(Body, frozen=True, kw_only=True):
    """Only what is given changes."""

    legacy_cache: Literal["fresh", "stale"] | None = None
    frames: Literal["redirect", "redirect_elsewhere", "direct"] | None = None
    masks: Literal["dated", "composite", "both", "numbered", "plain"] | None = None
    key_frame_feature_map: Literal["own", "list", "dict"] | None = None
    characters: Literal["ascii", "utf-8"] | None = None
    validation: Literal["told", "masked"] | None = None

    @property
    def given(self) -> dict[str, str]:
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}


class NewWorkspace(Body, frozen=True, kw_only=True):
    """From a scenario (name or file), or as a fork of another workspace. Without `api_key` one is drawn."""

    scenario: str | None = None
    fork_of: str | None = None
    seed: Seed | None = None
    ends: Moment | None = None
    payload_date: Date | None = None
    switches: SetSwitches | None = None
    api_key: Key | None = None
    incarnation: str | None = None


class Reset(Body, frozen=True, kw_only=True):
    """`incarnation` pins the ids of the new life; without it they never come again."""

    incarnation: str | None = None


class MoveClock(Body, frozen=True, kw_only=True):
    """`advance` in seconds; `set` an ISO moment; `freeze` true or false. First freeze, then set, then advance."""

    advance: Annotated[float, msgspec.Meta(ge=0, le=1e10)] | None = None
    set: Moment | None = None
    freeze: bool | None = None


class ClockFace(msgspec.Struct, frozen=True):
    """The workspace's time."""

    now: str
    frozen: bool


class SetProgression(Body, frozen=True, kw_only=True):
    """Only what is given changes. `imports` is refused until imports exist."""

    exports: Pace | None = None
    imports: Annotated[Pace | None, _told(type="null")] = None
    processing: Pace | None = None


class ExpectRows(Body, frozen=True, kw_only=True):
    """In the SDK's words: one of a project, dataset, slice or model run (name or id), of chosen data rows by their ids
    or global keys, or the whole catalog; `params` and `filters` as its `export` takes them.

    `task_id` names the export whose rows these are to equal; by default the newest of the same.
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


class Health(msgspec.Struct, frozen=True):
    status: str
    version: str


class WorkspaceList(msgspec.Struct, frozen=True):
    api_keys: list[str]


class NewWebhook(Body, frozen=True, kw_only=True):
    """Of a project (name or id), or without one of the whole organization.

    `retries` is "default", "none", or the seconds to wait after each failure. `ordered` sends one after the other.
    `misbehave` names how its messages go wrong (docs/webhooks.md).
    """

    url: Url
    secret: Secret
    topics: Topics
    project: str | None = None
    version: Version = "v2"
    retries: Schedule = "default"
    ordered: bool = False
    concurrency: Concurrency = CONCURRENCY
    timeout: Timeout = TIMEOUT
    misbehave: Misbehaviour | None = None


class ChangeWebhook(Body, frozen=True, kw_only=True):
    """Only what is given changes."""

    url: Url | msgspec.UnsetType = msgspec.UNSET
    secret: Secret | msgspec.UnsetType = msgspec.UNSET
    topics: Topics | msgspec.UnsetType = msgspec.UNSET
    status: Status | msgspec.UnsetType = msgspec.UNSET
    version: Version | msgspec.UnsetType = msgspec.UNSET
    retries: Schedule | msgspec.UnsetType = msgspec.UNSET
    ordered: bool | msgspec.UnsetType = msgspec.UNSET
    concurrency: Concurrency | msgspec.UnsetType = msgspec.UNSET
    timeout: Timeout | msgspec.UnsetType = msgspec.UNSET
    misbehave: Misbehaviour | msgspec.UnsetType | None = msgspec.UNSET


class WebhookFace(msgspec.Struct, frozen=True):
    """A subscription without its secret, which is never shown again."""

    id: str
    url: str
    topics: list[str]
    project_id: str | None
    version: str
    status: str
    retries: Schedule
    ordered: bool
    concurrency: int
    timeout: float
    misbehave: str | None
    failing_since: str | None
    ended_because: str | None
    dropped: int
    created_at: str
    updated_at: str


class WebhookList(msgspec.Struct, frozen=True):
    webhooks: list[WebhookFace]


class AttemptFace(msgspec.Struct, frozen=True):
    """One try. `answer` is cut at 4,096 bytes, `answer_size` is how many were read."""

    number: int
    at: str
    url: str
    seconds: float
    status: int | None
    failure: str | None
    reason: str
    answer_headers: list[tuple[str, str]]
    answer: str
    answer_size: int
    next_at: str | None


class DeliveryFace(msgspec.Struct, frozen=True):
    """A message with its attempts. `body` is the text that was signed, byte for byte in UTF-8."""

    id: str
    webhook_id: str
    topic: str
    event_no: int
    project_id: str | None
    data_row_id: str | None
    label_id: str | None
    url: str
    headers: dict[str, str]
    body: str
    rendered_late: bool
    state: str
    made_at: str
    next_at: str | None
    attempts: list[AttemptFace]


class DeliveryList(msgspec.Struct, frozen=True):
    """`settled` says that nothing was due any more when this was read. `next_after` asks for the page behind it."""

    deliveries: list[DeliveryFace]
    settled: bool
    next_after: int | None


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Query parameters that all controls of a workspace take. Others are passed over."""

    api_key: str | msgspec.UnsetType = msgspec.UNSET


class DeliveryQuery(Query, frozen=True, kw_only=True):
    """Which deliveries, and how long to wait for them in seconds. `last` names the newest webhook or delivery."""

    wait: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_WAIT)] = 0.0
    first: Annotated[int, msgspec.Meta(ge=0, le=MOST_SHOWN)] = MOST_SHOWN
    after: Annotated[int, msgspec.Meta(ge=0, le=2**62)] = 0
    webhook: str | msgspec.UnsetType = msgspec.UNSET
    state: Annotated[str, _told(enum=list(DeliveryState))] | msgspec.UnsetType = msgspec.UNSET
    topic: Annotated[str, _told(enum=list(Topic))] | msgspec.UnsetType = msgspec.UNSET
    id: str | msgspec.UnsetType = msgspec.UNSET


class Refusal(msgspec.Struct, frozen=True):
    """What is told of a request that is refused: what came, what was expected, and a code of docs/errors.md."""

    message: str
    code: str


class Replay(Body, frozen=True, kw_only=True):
    """From which moment of the world on."""

    since: Moment


class Replayed(msgspec.Struct, frozen=True):
    deliveries: int


class MakeEvent(Body, frozen=True, kw_only=True):
    """What is to happen, and where; without a data row or label the server chooses one that fits."""

    event: Happening
    project: str
    data_row: str | None = None
    label: str | None = None


class EventMade(msgspec.Struct, frozen=True):
    """What happened to what. `event_nos` are all events of the change, in their order."""

    event: str
    event_nos: list[int]
    at: str
    project_id: str
    data_row_id: str | None = None
    label_id: str | None = None
    review_id: str | None = None
    issue_id: str | None = None
    comment_id: str | None = None
    tag_id: str | None = None


class WantedFailures(msgspec.Struct, frozen=True):
    """What the next exports will fail of, the next one first."""

    failures: list[Failure]
