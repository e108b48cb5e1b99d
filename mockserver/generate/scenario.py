"""Scenario files: what a world is to hold. TOML, checked against these structs (docs/scenarios.md)."""

from __future__ import annotations

import datetime
import re
import tomllib
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec

from mockserver.errors import ScenarioError, nearest, quoted
from mockserver.generate.shelf import shelf
from mockserver.settings import FIRST_YEAR, LAST_YEAR
from mockserver.world.switches import Switches

Count = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Confidence = Annotated[float, msgspec.Meta(ge=0, le=1)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Media = Literal[
    "image",
    "text",
    "video",
    "dicom",
    "audio",
    "document",
    "conversational",
    "geospatial",
    "tiles",
    "html",
    "llm",
    "llm-prompt",
    "llm-response",
    "chat",
]
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

TOOLS_OF_MEDIA: dict[str, frozenset[str]] = {
    "image": frozenset({"rectangle", "polygon", "line", "point", "raster-segmentation", "edge"}),
    "text": frozenset({"named-entity", "edge"}),
    "video": frozenset({"rectangle", "line", "point", "raster-segmentation"}),
    "dicom": frozenset({"line", "raster-segmentation"}),
    "audio": frozenset(),
    "document": frozenset({"rectangle", "named-entity", "edge"}),
    "conversational": frozenset({"named-entity", "edge"}),
    "html": frozenset(),
    "llm": frozenset(),
    "llm-prompt": frozenset(),
    "llm-response": frozenset(),
    "chat": frozenset({"message-single-selection", "message-multi-selection", "message-ranking"}),
    "geospatial": frozenset({"rectangle", "polygon", "line", "point"}),
    "tiles": frozenset({"rectangle", "polygon", "line", "point"}),
}
"""Every media type, and the tools that its ontologies may have."""

ORDINARY_QUESTIONS = frozenset({"radio", "checklist", "text"})
PROMPT_RESPONSE_QUESTIONS = frozenset({"prompt", "response-radio", "response-checklist", "response-text"})
"""SDK tool_building/classification.py PromptResponseClassification.Type."""
TEXT_QUESTIONS = frozenset({"text", "prompt", "response-text"})
"""They are answered in free text and have no options."""

QUESTIONS_OF_MEDIA: dict[str, frozenset[str]] = {
    "llm": PROMPT_RESPONSE_QUESTIONS,
    "llm-prompt": frozenset({"prompt"}),
    "llm-response": PROMPT_RESPONSE_QUESTIONS - {"prompt"},
}
"""The media types whose ontologies ask in kinds of their own; all others ask the ordinary ones."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: a key it does not know is an error."""


class Option(Part, frozen=True, kw_only=True):
    """One answer of a radio or checklist question, with the questions it opens."""

    name: Name
    questions: list[Question] = []


class Question(Part, frozen=True, kw_only=True):
    """A classification. `options` are names or tables; a text question has none.

    `scope` "index" asks it of each frame, moment or message, not of the whole data row (SDK Classification.Scope).
    """

    name: Name
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
    tool: ToolKind
    color: Annotated[str, msgspec.Meta(pattern="^#[0-9a-fA-F]{6}$")] | None = None
    required: bool = False
    questions: list[Question] = []


class OntologyPlan(Part, frozen=True, kw_only=True):
    media: Media
    tools: list[Tool] = []
    questions: list[Question] = []


class ProjectPlan(Part, frozen=True, kw_only=True):
    """A project with its dataset, its batch and `labelled + skipped + unlabelled` data rows.

    `variants` is how many different pictures or texts there are; more rows than that share them, which keeps large
    worlds small. With `rows_of` it labels the first rows of an earlier project and brings none of its own.
    """

    name: Name
    media: Media
    ontology: str
    description: str | None = None
    dataset: Name | None = None
    rows_of: Name | None = None
    labelled: Count = 9
    skipped: Count = 1
    unlabelled: Count = 2
    variants: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 256
    consensus: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1
    benchmarks: Count = 0
    reopened: Count = 0
    issues: Count = 0
    unicode: bool = False
    global_keys: bool = True
    external_ids: bool = True
    metadata: bool = True
    attachments: bool = True
    reviews: bool = True
    embeddings: bool = True

    @property
    def rows(self) -> int:
        return self.labelled + self.skipped + self.unlabelled

    @property
    def dataset_name(self) -> str:
        return self.dataset or self.name


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

    `like` names a scenario of ours whose keys count where this file has none of its own; its ontologies and projects
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
    metadata: list[MetadataPlan] = []
    ontologies: dict[str, OntologyPlan] = {}
    projects: list[ProjectPlan] = []
    models: list[ModelPlan] = []
    slices: list[SlicePlan] = []

    @property
    def ends_at(self) -> int:
        """Microseconds UTC."""
        moment = self.ends if self.ends.tzinfo else self.ends.replace(tzinfo=datetime.UTC)
        return int(moment.timestamp()) * 1_000_000


_PART_AT_KEY: dict[str, type[msgspec.Struct]] = {
    "switches": Switches,
    "projects": ProjectPlan,
    "ontologies": OntologyPlan,
    "metadata": MetadataPlan,
    "tools": Tool,
    "questions": Question,
    "options": Option,
    "models": ModelPlan,
    "runs": RunPlan,
    "splits": Splits,
    "slices": SlicePlan,
}


def scenario_names() -> list[str]:
    """The scenarios that come with the package."""
    return sorted(path.stem for path in (shelf() / "scenarios").glob("*.toml"))


def find(name: str) -> Path:
    """The file of a scenario, given by the name of one of ours or by a path. Raises ScenarioError."""
    if name.endswith(".toml") or "/" in name:
        path = Path(name)
        if path.is_file():
            return path
        raise ScenarioError(f"--scenario is {name!r}, and there is no such file; give a path that exists")
    if name in scenario_names():
        return shelf() / "scenarios" / f"{name}.toml"
    known = quoted(nearest(name, scenario_names()))
    raise ScenarioError(f"--scenario is {name!r}; known are {known}, or give a path that ends in .toml")


def load(path: Path) -> Scenario:
    """Read and check a scenario file. Raises ScenarioError naming the file, the key path and what was expected."""
    return parse(path.read_bytes(), source=str(path))


def parse(text: bytes, *, source: str) -> Scenario:
    """The scenario in a TOML text."""
    try:
        data = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{source}: not TOML: {error}") from None
    try:
        scenario = msgspec.convert(data, Scenario)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{source}: {explained(str(error), data)}") from None
    scenario = _completed(scenario, data, source)
    check(scenario, source)
    return scenario


def _completed(scenario: Scenario, data: dict[str, Any], source: str) -> Scenario:
    """With what the scenario that it is `like` says."""
    if scenario.like is None:
        if scenario.without:
            raise ScenarioError(
                f"{source}: at $.without: it leaves out projects of another scenario; name that in `like`"
            )
        return scenario
    if scenario.like not in scenario_names():
        known = quoted(nearest(scenario.like, scenario_names()))
        raise ScenarioError(f"{source}: at $.like: there is no scenario {scenario.like!r} with us; known are {known}")
    base = load(find(scenario.like))
    names = [project.name for project in base.projects]
    for name in scenario.without:
        if name not in names:
            known = quoted(nearest(name, names))
            raise ScenarioError(f"{source}: at $.without: {scenario.like!r} has no project {name!r}; it has {known}")
    given = {name: getattr(scenario, name) for name in data if name not in {"ontologies", "projects"}}
    kept = [project for project in base.projects if project.name not in scenario.without]
    own = {"ontologies": base.ontologies | scenario.ontologies, "projects": kept + scenario.projects}
    return msgspec.structs.replace(base, **(_standing(base, kept) | given | own))


def _standing(base: Scenario, kept: list[ProjectPlan]) -> dict[str, Any]:
    """Its models and slices, without what told of projects that are left out."""
    names, datasets = {project.name for project in kept}, {project.dataset_name for project in kept}
    models = [
        msgspec.structs.replace(model, runs=[run for run in model.runs if run.project in names])
        for model in base.models
    ]
    slices = [plan for plan in base.slices if datasets.issuperset(plan.datasets)]
    return {"models": models, "slices": slices}


def explained(message: str, data: dict[str, Any]) -> str:
    """msgspec's words, with the key path first and the nearest known word after an unknown one."""
    what, _, path = message.partition(" - at ")
    path = path.strip("`") or "$"
    if match := re.search(r"unknown field `(.+)`", what):
        known = part_at(path).__struct_fields__
        near = quoted(nearest(match[1], known))
        return f"at {path}: there is no key {match[1]!r}; the nearest known are {near}"
    if match := re.search(r"Invalid enum value '?(.+?)'?$", what):
        known_words = _words_at(path)
        near = quoted(nearest(match[1], known_words))
        return f"at {path}: {match[1]!r} is not known; expected one of {near}"
    return f"at {path}: {what}"


def part_at(path: str) -> type[msgspec.Struct]:
    """Which table of the file a key path leads to: the last key that names a list or dictionary of tables."""
    keys = [key for key in re.findall(r"[a-z_]+", path) if key in _PART_AT_KEY]
    return _PART_AT_KEY[keys[-1]] if keys else Scenario


def _words_at(path: str) -> list[str]:
    if path.endswith("kind"):
        return ["string", "number", "datetime", "enum"]
    if ".switches." in path:
        return list(get_args(typing.get_type_hints(Switches)[path.rpartition(".")[2]]))
    if path.endswith("scope"):
        return ["global", "index"]
    if path.endswith("type"):
        return list(get_args(QuestionKind))
    return list(get_args(ToolKind)) if path.endswith("tool") else sorted(TOOLS_OF_MEDIA)


def check(scenario: Scenario, source: str) -> None:
    """What the structs cannot say: references, names used twice, tools that a media type does not have."""
    for key, ontology in scenario.ontologies.items():
        _check_ontology(key, ontology, source)
    if not FIRST_YEAR <= scenario.ends.year <= LAST_YEAR:
        raise ScenarioError(f"{source}: at $.ends: expected a moment of the years {FIRST_YEAR} to {LAST_YEAR}")
    _check_metadata(scenario, source)
    seen: dict[str, ProjectPlan] = {}
    for index, project in enumerate(scenario.projects):
        where = f"{source}: at $.projects[{index}]"
        if project.name in seen:
            raise ScenarioError(f"{where}.name: {project.name!r} is used twice; give every project its own name")
        _check_project(project, scenario, where)
        _check_labelling(project, where)
        if project.rows_of is not None:
            _check_shared(project, project.rows_of, seen, where)
        seen[project.name] = project
    _check_models(scenario, source)
    _check_slices(scenario, source)


def _check_metadata(scenario: Scenario, source: str) -> None:
    for index, field in enumerate(scenario.metadata):
        if (field.kind == "enum") != bool(field.options):
            wrong = "an enum needs options" if field.kind == "enum" else f"a {field.kind} takes no options"
            raise ScenarioError(f"{source}: at $.metadata[{index}]: {wrong}")


def _check_project(project: ProjectPlan, scenario: Scenario, where: str) -> None:
    if project.ontology not in scenario.ontologies:
        known = quoted(nearest(project.ontology, scenario.ontologies)) or "none: add an [ontologies.…] table"
        raise ScenarioError(f"{where}.ontology: there is no ontology {project.ontology!r}; known are {known}")
    media = scenario.ontologies[project.ontology].media
    if media != project.media:
        raise ScenarioError(f"{where}.ontology: {project.ontology!r} is for {media}, the project for {project.media}")


def _check_labelling(project: ProjectPlan, where: str) -> None:
    if project.consensus > 1 and project.benchmarks:
        raise ScenarioError(f"{where}: a project has consensus or benchmarks, not both; leave one of them out")
    for key in ("benchmarks", "issues", "reopened"):
        if getattr(project, key) > project.labelled:
            raise ScenarioError(f"{where}.{key}: only the {project.labelled} labelled rows can have them")


def _check_shared(project: ProjectPlan, owner_name: str, seen: dict[str, ProjectPlan], where: str) -> None:
    owner = seen.get(owner_name)
    if owner is None or owner.rows_of is not None:
        known = quoted(nearest(owner_name, [name for name, plan in seen.items() if plan.rows_of is None])) or "none"
        raise ScenarioError(
            f"{where}.rows_of: no project {owner_name!r} with rows of its own stands before; known are {known}"
        )
    if owner.media != project.media or owner.rows < project.rows:
        raise ScenarioError(
            f"{where}.rows_of: {owner_name!r} has {owner.rows} rows of {owner.media}; "
            f"this project wants {project.rows} of {project.media}"
        )
    if project.dataset is not None:
        raise ScenarioError(f"{where}.dataset: the rows of {owner_name!r} are in its dataset; leave this out")


def _check_models(scenario: Scenario, source: str) -> None:
    """Runs are listed by name in the ready file, so no two of all models share one."""
    projects = {project.name: project for project in scenario.projects}
    runs: set[str] = set()
    _check_names(scenario.models, f"{source}: at $.models")
    for index, model in enumerate(scenario.models):
        where = f"{source}: at $.models[{index}]"
        _check_known(model.ontology, scenario.ontologies, f"{where}.ontology", "ontology")
        for number, run in enumerate(model.runs):
            here = f"{where}.runs[{number}]"
            if run.name in runs:
                raise ScenarioError(f"{here}.name: {run.name!r} is used twice; give every run its own name")
            runs.add(run.name)
            _check_known(run.project, projects, f"{here}.project", "project")
            if projects[run.project].ontology != model.ontology:
                raise ScenarioError(
                    f"{here}.project: {run.project!r} has the ontology {projects[run.project].ontology!r}, "
                    f"the model {model.ontology!r}"
                )
            if run.confidence[0] > run.confidence[1]:
                raise ScenarioError(f"{here}.confidence: expected [lowest, highest], like [0.5, 0.99]")
            if run.splits.training + run.splits.validation + run.splits.test > 100:
                raise ScenarioError(f"{here}.splits: expected at most 100 percent in all")


def _check_slices(scenario: Scenario, source: str) -> None:
    datasets = {project.dataset_name: project for project in scenario.projects if project.rows_of is None}
    _check_names(scenario.slices, f"{source}: at $.slices")
    for index, plan in enumerate(scenario.slices):
        where = f"{source}: at $.slices[{index}]"
        for number, name in enumerate(plan.datasets):
            _check_known(name, datasets, f"{where}.datasets[{number}]", "dataset")
        for key in ("last_activity_at", "label_created_at"):
            for text in getattr(plan, key) or ():
                _check_moment(text, f"{where}.{key}")


def _check_names(plans: Sequence[ModelPlan | SlicePlan], where: str) -> None:
    seen: set[str] = set()
    for index, plan in enumerate(plans):
        if plan.name in seen:
            raise ScenarioError(f"{where}[{index}].name: {plan.name!r} is used twice; give each its own name")
        seen.add(plan.name)


def _check_known(name: str, known: Mapping[str, object], where: str, what: str) -> None:
    if name not in known:
        near = quoted(nearest(name, known)) or "none"
        raise ScenarioError(f"{where}: there is no {what} {name!r}; known are {near}")


def _check_moment(text: str, where: str) -> None:
    try:
        if text:
            datetime.datetime.fromisoformat(text)
    except ValueError:
        raise ScenarioError(
            f'{where}: {text!r} is no date; expected [from, to] like ["2024-12-01", "2024-12-31"], "" for open'
        ) from None


def _check_ontology(key: str, ontology: OntologyPlan, source: str) -> None:
    for index, tool in enumerate(ontology.tools):
        allowed = TOOLS_OF_MEDIA[ontology.media]
        if tool.tool not in allowed:
            known = quoted(nearest(tool.tool, allowed, most=len(allowed)))
            expected = f"expected one of {known}" if known else "it has none, ask questions instead"
            where = f"$.ontologies.{key}.tools[{index}].tool"
            raise ScenarioError(f"{source}: at {where}: {tool.tool!r} is no tool for {ontology.media}; {expected}")
    for where, question in _questions(f"$.ontologies.{key}", ontology):
        if (question.type in TEXT_QUESTIONS) == bool(question.options):
            takes = "takes no options" if question.options else "needs options"
            raise ScenarioError(f"{source}: at {where}: a {question.type} question {takes}")
        asked = QUESTIONS_OF_MEDIA.get(ontology.media, ORDINARY_QUESTIONS)
        if question.type not in asked:
            raise ScenarioError(
                f"{source}: at {where}.type: {question.type!r} is not asked of {ontology.media}; "
                f"expected one of {quoted(nearest(question.type, asked))}"
            )
    prompts = [where for where, question in _questions("", ontology) if question.type == "prompt"]
    if len(prompts) > 1:  # SDK ontology.py OntologyBuilder.asdict
        raise ScenarioError(f"{source}: at $.ontologies.{key}.questions: an ontology has one prompt at most")


def _questions(path: str, part: Any) -> list[tuple[str, Question]]:
    """Every question below a table, with its key path."""
    found: list[tuple[str, Question]] = []
    for key in ("tools", "questions", "answers"):
        for index, child in enumerate(getattr(part, key, [])):
            where = f"{path}.{key.replace('answers', 'options')}[{index}]"
            if isinstance(child, Question):
                found.append((where, child))
            found += _questions(where, child)
    return found
