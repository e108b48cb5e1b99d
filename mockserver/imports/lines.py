"""The lines of an import: one annotation each, in the shapes that SDKs 3.24 to 7.17 send (data/serialization/ndjson,
schema/bulk_import_request.py).

Numbers stay as they were sent: an integer is exported as an integer (observed 2025-04).
"""

from __future__ import annotations

from typing import Annotated

import msgspec

LARGEST = 1_000_000_000
"""The largest coordinate."""
MOST_FRAMES = 200_000
"""The last frame: more than an hour of a film. Every frame of a segment is written by an export with interpolation."""
LAST_MOMENT = 1_000_000_000
"""The last millisecond of a recording."""
MOST_INSTANCES = 255
"""Objects in the masks of one line: there are as many colours for them (generate/media/image.py)."""
Number = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)] | Annotated[float, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
Share = Annotated[int, msgspec.Meta(ge=0, le=1)] | Annotated[float, msgspec.Meta(ge=0, le=1)]
Index = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
FrameNumber = Annotated[int, msgspec.Meta(ge=1, le=MOST_FRAMES)]
Channel = Annotated[int, msgspec.Meta(ge=0, le=255)]
Colour = tuple[Channel, Channel, Channel]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A part of a line. Unknown keys are refused, as by the checks of SDK 3.x (bulk_import_request.py `NDBase`)."""


class RowReference(Part, frozen=True, kw_only=True):
    id: str | None = None
    global_key: str | None = None


class Point(Part, frozen=True, kw_only=True):
    x: Number
    y: Number


class Box(Part, frozen=True, kw_only=True):
    """A box in pixels or points, on a map in degrees of latitude and longitude."""

    top: Number
    left: Number
    height: Number
    width: Number


class Range(Part, frozen=True, kw_only=True):
    """The first and the last frame, millisecond or character."""

    start: Index
    end: Index


class Metric(Part, frozen=True, kw_only=True):
    name: str
    value: Number


class Mask(Part, frozen=True, kw_only=True):
    """`png` is base64; a picture at `instance_uri` is never fetched; `counts` and `size` (height, width) are
    runs of pixels (SDK 3.x, RLEMaskFeatures)."""

    png: str | None = None
    instance_uri: str | None = msgspec.field(name="instanceURI", default=None)
    colour: Colour | None = msgspec.field(name="colorRGB", default=None)
    counts: list[Index] | None = None
    size: Annotated[list[Index], msgspec.Meta(min_length=2, max_length=2)] | None = None


class MaskFrame(Part, frozen=True, kw_only=True):
    index: FrameNumber
    instance_uri: str | None = msgspec.field(name="instanceURI", default=None)
    picture: str | None = msgspec.field(name="imBytes", default=None)


class Named(Part, frozen=True, kw_only=True):
    """The reference to a feature of the ontology, by its name or by its id. Nested questions of SDK 7 spell the id
    with an underscore (ndjson/classification.py, model_dump without aliases)."""

    name: str | None = None
    schema_id: str | None = None
    snake_schema_id: str | None = msgspec.field(name="schema_id", default=None)
    feature_schema_id: str | None = None
    confidence: Share | None = None
    custom_metrics: list[Metric] | None = None
    snake_custom_metrics: list[Metric] | None = msgspec.field(name="custom_metrics", default=None)

    @property
    def feature_id(self) -> str | None:
        return self.schema_id or self.snake_schema_id or self.feature_schema_id

    @property
    def metrics(self) -> list[Metric]:
        return self.custom_metrics or self.snake_custom_metrics or []


class MaskInstance(Named, frozen=True, kw_only=True):
    colour: Colour = msgspec.field(name="colorRGB")


class Masks(Part, frozen=True, kw_only=True):
    frames: Annotated[list[MaskFrame], msgspec.Meta(min_length=1)]
    instances: Annotated[list[MaskInstance], msgspec.Meta(min_length=1, max_length=MOST_INSTANCES)]


class Answer(Named, frozen=True, kw_only=True):
    """A chosen option; or, of a text that changes with time, its `value`."""

    value: str | None = None
    frames: list[Range] | None = None
    classifications: list[Question] | None = None


class Question(Named, frozen=True, kw_only=True):
    """A question with its answer. `answers` is the spelling of SDK 3.x for checklists."""

    answer: str | Answer | list[Answer] | None = None
    answers: list[Answer] | None = None
    frames: list[Range] | None = None
    message_id: str | None = None
    classifications: list[Question] | None = None

    @property
    def given(self) -> str | Answer | list[Answer] | None:
        return self.answers if self.answer is None else self.answer


class KeyFrame(Part, frozen=True, kw_only=True):
    frame: FrameNumber
    bbox: Box | None = None
    line: list[Point] | None = None
    point: Point | None = None
    classifications: list[Question] | None = None


class Segment(Part, frozen=True, kw_only=True):
    keyframes: Annotated[list[KeyFrame], msgspec.Meta(min_length=1)]


class Selection(Part, frozen=True, kw_only=True):
    """Words of one group of a document's text layer."""

    token_ids: list[str]
    group_id: str
    page: Index


class Relation(Part, frozen=True, kw_only=True):
    """`source` and `target` are the `uuid`s of other lines."""

    source: str | None = None
    target: str
    type: str = "unidirectional"
    readonly: bool | None = None
    source_ontology_name: str | None = msgspec.field(name="sourceOntologyName", default=None)


class Message(Part, frozen=True, kw_only=True):
    message_id: str
    model_config_name: str
    order: Index | None = None


class Judgement(Part, frozen=True, kw_only=True):
    parent_message_id: str
    message_id: str | None = None
    model_config_name: str | None = None
    selected_messages: list[Message] | None = None
    ranked_messages: list[Message] | None = None


class MessageTask(Part, frozen=True, kw_only=True):
    format: str
    data: Judgement


class Line(Question, frozen=True, kw_only=True):
    data_row: RowReference
    uuid: str | None = None
    bbox: Box | None = None
    polygon: list[Point] | None = None
    line: list[Point] | None = None
    point: Point | None = None
    mask: Mask | None = None
    location: Range | None = None
    page: Index | None = None
    unit: str | None = None
    text_selections: list[Selection] | None = None
    segments: Annotated[list[Segment], msgspec.Meta(min_length=1)] | None = None
    masks: Masks | None = None
    group_key: str | None = None
    relationship: Relation | None = None
    message_evaluation_task: MessageTask | None = None
    is_benchmark_reference_label: bool = False


def _list_parts(kind: type[Part]) -> list[type[Part]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _list_parts(child))]


PARTS = tuple(_list_parts(Part))
"""The parts of annotations, which are those of this module."""
