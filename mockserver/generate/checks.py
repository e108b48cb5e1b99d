"""Checks of a scenario beyond its structs: references, names used twice, tools that a media type does not have."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

from mockserver.errors import BadInput, ScenarioError, nearest, quote
from mockserver.faults.rule import MOST_RULES, check_rule
from mockserver.generate.organization import KINDS, RESERVED_METADATA
from mockserver.generate.plans import (
    TEXT_QUESTIONS,
    ModelPlan,
    OntologyPlan,
    ProjectPlan,
    Question,
    Scenario,
    SlicePlan,
)
from mockserver.settings import FIRST_YEAR, LAST_YEAR
from mockserver.world.file_rules import MOST_FILE_RULES
from mockserver.world.media import BY_NAME, IMPORTED_TYPES, MEDIA


def check(scenario: Scenario, source: str) -> None:
    """Raises ScenarioError naming the file, the key path and what was expected."""
    for key, ontology in scenario.ontologies.items():
        _check_media(ontology.media, f"{source}: at $.ontologies.{key}.media")
        _check_ontology(key, ontology, source)
    if not FIRST_YEAR <= scenario.ends.year <= LAST_YEAR:
        raise ScenarioError(f"{source}: at $.ends: expected a moment of the years {FIRST_YEAR} to {LAST_YEAR}")
    _check_metadata(scenario, source)
    seen: dict[str, ProjectPlan] = {}
    for index, project in enumerate(scenario.projects):
        where = f"{source}: at $.projects[{index}]"
        _check_media(project.media, f"{where}.media")
        if project.name in seen:
            raise ScenarioError(f"{where}.name: {project.name!r} is used twice; give every project its own name")
        _check_project(project, scenario, where)
        _check_labelling(project, where)
        _check_values(project, scenario, where)
        for number, tag in enumerate(project.tags):
            _check_known(tag, {plan.text: plan for plan in scenario.tags}, f"{where}.tags[{number}]", "tag")
        if project.rows_of is not None:
            _check_shared(project, project.rows_of, seen, where)
        seen[project.name] = project
    _check_models(scenario, source)
    _check_slices(scenario, source)
    _check_faults(scenario, source)
    _check_files(scenario, source)


def _check_media(media: str, where: str) -> None:
    if media not in BY_NAME:
        known = quote(nearest(media, BY_NAME, most=len(BY_NAME)))
        raise ScenarioError(f"{where}: {media!r} is not known; expected one of {known}")


def _check_metadata(scenario: Scenario, source: str) -> None:
    for index, field in enumerate(scenario.metadata):
        if (field.kind == "enum") != bool(field.options):
            wrong = "an enum needs options" if field.kind == "enum" else f"a {field.kind} takes no options"
            raise ScenarioError(f"{source}: at $.metadata[{index}]: {wrong}")


def _check_project(project: ProjectPlan, scenario: Scenario, where: str) -> None:
    if project.ontology not in scenario.ontologies:
        known = quote(nearest(project.ontology, scenario.ontologies)) or "none: add an [ontologies.…] table"
        raise ScenarioError(f"{where}.ontology: there is no ontology {project.ontology!r}; known are {known}")
    media = scenario.ontologies[project.ontology].media
    if media != project.media:
        raise ScenarioError(f"{where}.ontology: {project.ontology!r} is for {media}, the project for {project.media}")


def _check_labelling(project: ProjectPlan, where: str) -> None:
    if project.consensus > 1 and project.benchmarks:
        raise ScenarioError(f"{where}: a project has consensus or benchmarks, not both; leave one of them out")
    for media in MEDIA:
        for key in sorted(media.plan_keys - BY_NAME[project.media].plan_keys):
            if getattr(project, key):
                raise ScenarioError(f"{where}.{key}: only projects of media {media.name!r} take it; leave it out")
    if project.inline and project.rows_of is not None:
        raise ScenarioError(f"{where}.inline: only rows of its own are imported inline, not those of rows_of")
    if project.waiting and project.consensus < 2:
        raise ScenarioError(f"{where}.waiting: rows wait for further labels only with a consensus of 2 or more")
    for key in ("benchmarks", "issues", "reopened"):
        if getattr(project, key) > project.labelled:
            raise ScenarioError(f"{where}.{key}: only the {project.labelled} labelled rows can have them")


def _check_values(project: ProjectPlan, scenario: Scenario, where: str) -> None:
    """Each is of a field that there is, and of its kind."""
    kinds = {name: KINDS_OF_RESERVED[kind] for name, _, kind, _ in RESERVED_METADATA}
    kinds |= {plan.name: plan.kind for plan in scenario.metadata}
    options = {name: [option for option, _ in known] for name, _, _, known in RESERVED_METADATA}
    options |= {plan.name: list(plan.options) for plan in scenario.metadata}
    for number, plan_value in enumerate(project.values):
        value_path = f"{where}.values[{number}]"
        _check_known(plan_value.field, kinds, f"{value_path}.field", "metadata field")
        kind = kinds[plan_value.field]
        if not isinstance(plan_value.value, WRITTEN_AS[kind]):
            raise ScenarioError(
                f"{value_path}.value: {plan_value.field!r} is a {kind}, and {plan_value.value!r} is none"
            )
        if isinstance(plan_value.value, float) and not math.isfinite(plan_value.value):
            raise ScenarioError(f"{value_path}.value: JSON cannot hold {plan_value.value}; give a finite number")
        if kind == "datetime":
            _check_date_time(str(plan_value.value), f"{value_path}.value")
        if kind == "enum" and plan_value.value not in options[plan_value.field]:
            known = quote(nearest(str(plan_value.value), options[plan_value.field]))
            raise ScenarioError(
                f"{value_path}.value: {plan_value.field!r} has no option {plan_value.value!r}; known are {known}"
            )


def _check_date_time(text: str, where: str) -> None:
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError:
        raise ScenarioError(f"{where}: {text!r} is no moment; expected ISO 8601, like 2024-12-01T08:00:00Z") from None


KINDS_OF_RESERVED = {name: word for word, name in KINDS.items()}
WRITTEN_AS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "enum": str,
    "number": (int, float),
    "datetime": str,
}


def _check_shared(project: ProjectPlan, owner_name: str, seen: dict[str, ProjectPlan], where: str) -> None:
    owner = seen.get(owner_name)
    if owner is None or owner.rows_of is not None:
        known = quote(nearest(owner_name, [name for name, plan in seen.items() if plan.rows_of is None])) or "none"
        raise ScenarioError(
            f"{where}.rows_of: no project {owner_name!r} with rows of its own is in front of it; known are {known}"
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
            run_path = f"{where}.runs[{number}]"
            if run.name in runs:
                raise ScenarioError(f"{run_path}.name: {run.name!r} is used twice; give every run its own name")
            runs.add(run.name)
            _check_known(run.project, projects, f"{run_path}.project", "project")
            if projects[run.project].ontology != model.ontology:
                raise ScenarioError(
                    f"{run_path}.project: {run.project!r} has the ontology {projects[run.project].ontology!r}, "
                    f"the model {model.ontology!r}"
                )
            if run.confidence[0] > run.confidence[1]:
                raise ScenarioError(f"{run_path}.confidence: expected [lowest, highest], like [0.5, 0.99]")
            if run.splits.training + run.splits.validation + run.splits.test > 100:
                raise ScenarioError(f"{run_path}.splits: expected at most 100 percent in all")


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


def _check_faults(scenario: Scenario, source: str) -> None:
    if len(scenario.faults) > MOST_RULES:
        raise ScenarioError(f"{source}: at $.faults: expected at most {MOST_RULES} faults")
    for index, rule in enumerate(scenario.faults):
        try:
            check_rule(rule)
        except BadInput as error:
            raise ScenarioError(f"{source}: at $.faults[{index}]: {error}") from None


def _check_files(scenario: Scenario, source: str) -> None:
    if len(scenario.files) > MOST_FILE_RULES:
        raise ScenarioError(f"{source}: at $.files: expected at most {MOST_FILE_RULES} rules")
    for index, rule in enumerate(scenario.files):
        where = f"{source}: at $.files[{index}]"
        if rule.media_type is not None and rule.media_type not in IMPORTED_TYPES:
            known = quote(nearest(rule.media_type, sorted(IMPORTED_TYPES)))
            raise ScenarioError(f"{where}.media_type: unknown {rule.media_type!r}; the nearest known are {known}")
        if "asset_type" in rule.attributes:
            raise ScenarioError(f"{where}.attributes: asset_type follows from media_type; give that, and leave it out")
        if rule.attributes and not rule.readable:
            raise ScenarioError(f"{where}: a file that is not readable has no attributes; leave one of both out")
        if rule.media_type is None and not rule.attributes and rule.readable:
            raise ScenarioError(f"{where}: the rule says nothing; give media_type, attributes, or readable = false")


def _check_names(plans: Sequence[ModelPlan | SlicePlan], where: str) -> None:
    seen: set[str] = set()
    for index, plan in enumerate(plans):
        if plan.name in seen:
            raise ScenarioError(f"{where}[{index}].name: {plan.name!r} is used twice; give each its own name")
        seen.add(plan.name)


def _check_known(name: str, known: Mapping[str, object], where: str, what: str) -> None:
    if name not in known:
        near = quote(nearest(name, known)) or "none"
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
        allowed = BY_NAME[ontology.media].tools
        if tool.tool not in allowed:
            where = f"$.ontologies.{key}.tools[{index}].tool"
            raise ScenarioError(f"{source}: at {where}: {describe_wrong_tool(tool.tool, ontology.media)}")
    for where, question in _questions(f"$.ontologies.{key}", ontology):
        if (question.type in TEXT_QUESTIONS) == bool(question.options):
            takes = "takes no options" if question.options else "needs options"
            raise ScenarioError(f"{source}: at {where}: a {question.type} question {takes}")
        question_types = BY_NAME[ontology.media].questions
        if question.type not in question_types:
            raise ScenarioError(
                f"{source}: at {where}.type: {question.type!r} is not asked of {ontology.media}; "
                f"expected one of {quote(nearest(question.type, question_types, most=len(question_types)))}"
            )
    prompts = [where for where, question in _questions("", ontology) if question.type == "prompt"]
    if len(prompts) > 1:  # SDK ontology.py OntologyBuilder.asdict
        raise ScenarioError(f"{source}: at $.ontologies.{key}.questions: an ontology has one prompt at most")


def describe_wrong_tool(tool: str, media: str) -> str:
    """Names all tools of a media type, nearest first."""
    allowed = BY_NAME[media].tools
    known = quote(nearest(tool, allowed, most=len(allowed)))
    expected = f"expected one of {known}" if known else "it has none, ask questions instead"
    return f"{tool!r} is no tool for {media}; {expected}"


def _questions(path: str, part: Any) -> list[tuple[str, Question]]:
    """Every question below a table, with its key path."""
    questions: list[tuple[str, Question]] = []
    for key in ("tools", "questions", "answers"):
        for index, child in enumerate(getattr(part, key, [])):
            where = f"{path}.{key.replace('answers', 'options')}[{index}]"
            if isinstance(child, Question):
                questions.append((where, child))
            questions += _questions(where, child)
    return questions
