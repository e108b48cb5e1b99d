"""The tables of a scenario file as structs, and the words they know (docs/scenarios.md)."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

import msgspec

from mockserver.faults.rule import FaultRule
from mockserver.world.file_rules import FileRule
from mockserver.world.switches import Switches

Count = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Confidence = Annotated[float, msgspec.Meta(ge=0, le=1)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
ToolKind = Literal[
    "rectangle",
    "polygon",
    "line",
    "point",
    "raster-segmentation",
    "named-entity",
    "edge",
    "message-single-selection",
    "message-multi-selection",
    "message-ranking",
]
QuestionKind = Literal[
    "radio", "checklist", "text", "prompt", "response-radio", "response-checklist", "response-text"
]  # fmt: skip

TEXT_QUESTIONS = frozenset({"text", "prompt", "response-text"})
"""They are answered in free text and have no options."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: a key it does not know is an error."""


class Option(Part, frozen=True, kw_only=True):
    """One answer of a radio or checklist question, with the questions it opens.

    `value` is its machine name, as that of a question or tool; without one, the name says it.
    """

    name: Name
    value: Name | None = None
    questions: list[Question] = []


class Question(Part, frozen=True, kw_only=True):
    """A classification. `options` are names or tables; a text question has none.

    `scope` "index" asks it of each frame, moment or message, not of the whole data row (SDK Classification.Scope).
    """

    name: Name
    value: Name | None = None
    type: QuestionKind
    options: list[str | Option] = []
    required: bool = False
    scope: Literal["global", "index"] = "global"

    @property
    def answers(self) -> list[Option]:
        return [Option(name=option) if isinstance(option, str) else option for option in self.options]


class Tool(Part, frozen=True, kw_only=True):
    """A tool of the editor. `tool` is the SDK's word (ontology.py Tool.Type)."""

    name: Name
    value: Name | None = None
    tool: ToolKind
    color: Annotated[str, msgspec.Meta(pattern="^#[0-9a-fA-F]{6}$")] | None = None
    required: bool = False
    questions: list[Question] = []


class OntologyPlan(Part, frozen=True, kw_only=True):
    media: str
    tools: list[Tool] = []
    questions: list[Question] = []


class ValuePlan(Part, frozen=True, kw_only=True):
    """The value of a metadata field on the rows `first` to `last` of a project, counted from 1; without them, on all.

    That of a date-time is a text in ISO 8601. In a text, `{number}` is replaced by the number of the row.
    """

    field: Name
    value: str | float
    first: Annotated[int, msgspec.Meta(ge=1)] = 1
    last: Annotated[int, msgspec.Meta(ge=1)] | None = None


class ProjectPlan(Part, frozen=True, kw_only=True):
    """A project with its dataset, its batch and `labelled + skipped + waiting + unlabelled` data rows.

    Those that are `waiting` have fewer labels than `consensus` requires.

    `variants` is how many different pictures or texts there are; more rows than that share them, which keeps large
    worlds small. With `rows_of` it labels the first rows of an earlier project and brings none of its own.
    """

    name: Name
    media: str
    ontology: str
    description: str | None = None
    dataset: Name | None = None
    rows_of: Name | None = None
    tags: list[Name] = []
    values: list[ValuePlan] = []
    frames: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    from_first_frame: bool = False
    labelled: Count = 9
    skipped: Count = 1
    waiting: Count = 0
    unlabelled: Count = 2
    variants: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 256
    consensus: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1
    benchmarks: Count = 0
    reopened: Count = 0
    issues: Count = 0
    inline: bool = False
    unicode: bool = False
    global_keys: bool = True
    external_ids: bool = True
    metadata: bool = True
    attachments: bool = True
    reviews: bool = False
    embeddings: bool = True

    @property
    def rows(self) -> int:
        return self.begun + self.unlabelled

    @property
    def begun(self) -> int:
        """The rows that have a label."""
        return self.labelled + self.skipped + self.waiting

    @property
    def asset_media(self) -> str:
        """The name of its media type, with the options that change its files."""
        options = [f"frames={self.frames}"] if self.frames else []
        options += ["first"] if self.from_first_frame else []
        return f"{self.media}?{'&'.join(options)}" if options else self.media

    @property
    def dataset_name(self) -> str:
        return self.dataset or self.name


class TagPlan(Part, frozen=True, kw_only=True):
    """A tag that projects may have. `color` has six hexadecimal digits and no `#`."""

    text: Name
    color: Annotated[str, msgspec.Meta(pattern="^[0-9A-Fa-f]{6}$")] = "8AC4F0"


class MetadataPlan(Part, frozen=True, kw_only=True):
    """A metadata field beside the reserved ones. `options` are those of an enum."""

    name: Name
    kind: Literal["string", "number", "datetime", "enum"]
    options: list[Name] = []


class Splits(Part, frozen=True, kw_only=True):
    """Percent of a run's data rows in each split; what they leave is UNASSIGNED."""

    training: Percent = 70
    validation: Percent = 20
    test: Percent = 10


class RunPlan(Part, frozen=True, kw_only=True):
    """A model run over labelled data rows of a project: `share` percent of them, the first labelled ones.

    `confidence` is the lowest and the highest of its predictions.
    """

    name: Name
    project: Name
    share: Percent = 100
    predictions: bool = True
    confidence: tuple[Confidence, Confidence] = (0.5, 0.99)
    splits: Splits = msgspec.field(default_factory=Splits)


class ModelPlan(Part, frozen=True, kw_only=True):
    name: Name
    ontology: str
    runs: list[RunPlan] = []


class SlicePlan(Part, frozen=True, kw_only=True):
    """A saved search of the catalog, in the words of the SDK's filters; datasets by name. All must hold.

    A date range is `[from, to]`; an empty text leaves that side open.
    """

    name: Name
    description: str | None = None
    datasets: list[Name] = []
    global_keys: list[str] = []
    last_activity_at: tuple[str, str] | None = None
    label_created_at: tuple[str, str] | None = None


class Scenario(Part, frozen=True, kw_only=True):
    """The whole file. The history of its world ends at `ends`.

    `like` names a built-in scenario whose keys count where this file has none of its own; its ontologies and projects
    come first, except those projects that `without` names.
    """

    description: Name
    like: Name | None = None
    without: list[Name] = []
    organization: Name = "Mock Organization"
    people: Annotated[int, msgspec.Meta(ge=1, le=50)] = 6
    ends: datetime.datetime = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    payload_date: datetime.date | None = None
    switches: Switches = Switches()
    tags: list[TagPlan] = []
    metadata: list[MetadataPlan] = []
    ontologies: dict[str, OntologyPlan] = {}
    projects: list[ProjectPlan] = []
    models: list[ModelPlan] = []
    slices: list[SlicePlan] = []
    faults: list[FaultRule] = []
    files: list[FileRule] = []

    @property
    def ends_at(self) -> int:
        """Microseconds UTC."""
        moment = self.ends if self.ends.tzinfo else self.ends.replace(tzinfo=datetime.UTC)
        return int(moment.timestamp()) * 1_000_000
