"""Scenario files: TOML that is parsed, completed by the scenario it is like, and checked (docs/scenarios.md)."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from mockserver.conversion import convert
from mockserver.errors import ScenarioError, nearest, quote
from mockserver.faults.rule import FaultRule
from mockserver.generate.checks import check, describe_wrong_tool
from mockserver.generate.lines import find_line
from mockserver.generate.plans import (
    MetadataPlan,
    ModelPlan,
    OntologyPlan,
    Option,
    ProjectPlan,
    Question,
    RunPlan,
    Scenario,
    SlicePlan,
    Splits,
    TagPlan,
    Tool,
    ValuePlan,
)
from mockserver.generate.scenario_files import find, list_scenarios, read_text
from mockserver.vocabulary import Step, describe_unknown_word, split_path
from mockserver.world.file_rules import FileRule
from mockserver.world.media import BY_NAME
from mockserver.world.switches import Switches

_PART_AT_KEY: dict[str, type[msgspec.Struct]] = {
    "switches": Switches,
    "projects": ProjectPlan,
    "ontologies": OntologyPlan,
    "metadata": MetadataPlan,
    "tags": TagPlan,
    "values": ValuePlan,
    "tools": Tool,
    "questions": Question,
    "options": Option,
    "models": ModelPlan,
    "runs": RunPlan,
    "splits": Splits,
    "slices": SlicePlan,
    "faults": FaultRule,
    "files": FileRule,
}


def load(path: Path) -> Scenario:
    """Reads and checks a scenario file. Raises ScenarioError naming the file, the key path and what was expected."""
    return parse(read_text(path), source=str(path))


def parse(text: bytes, *, source: str) -> Scenario:
    """The scenario in a TOML text. Raises ScenarioError with the file, the line and the key path."""
    try:
        content = text.decode("utf-8")
        data = tomllib.loads(content)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{source}: not TOML: {error}") from None
    except RecursionError:
        raise ScenarioError(
            f"{source}: its lists or tables are nested too deep; ontologies need some ten levels"
        ) from None
    try:
        scenario = _complete(_convert(data, source), data, source)
        check(scenario, source)
    except ScenarioError as error:
        raise ScenarioError(_add_line(str(error), source, content, data)) from None
    return scenario


def _convert(data: dict[str, Any], source: str) -> Scenario:
    try:
        return convert(data, Scenario)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{source}: {explain(str(error), data)}") from None


def _add_line(message: str, source: str, content: str, data: dict[str, Any]) -> str:
    """Adds the number of the line to the name of the file, where the message has a key path."""
    start = f"{source}: at "
    path = re.match(r"\$.*?(?=: )", message.removeprefix(start)) if message.startswith(start) else None
    if path is None:
        return message
    unknown = re.search(r": there is no key '(\w+)'", message)
    place = f"{path[0]}.{unknown[1]}" if unknown else path[0]
    line = find_line(content, place, _find_value(data, split_path(place)))
    return f"{source}:{line}: at {message.removeprefix(start)}"


def _find_value(data: Any, steps: list[Step]) -> Any:
    """The value at a path; None where there is none."""
    for step in steps:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _complete(scenario: Scenario, data: dict[str, Any], source: str) -> Scenario:
    """Adds the keys of the scenario that it is `like`."""
    if scenario.like is None:
        if scenario.without:
            raise ScenarioError(
                f"{source}: at $.without: it leaves out projects of another scenario; name that in `like`"
            )
        return scenario
    if scenario.like not in list_scenarios():
        known = quote(nearest(scenario.like, list_scenarios()))
        raise ScenarioError(f"{source}: at $.like: unknown scenario {scenario.like!r}; built-in scenarios: {known}")
    base = load(find(scenario.like))
    names = [project.name for project in base.projects]
    for name in scenario.without:
        if name not in names:
            known = quote(nearest(name, names))
            raise ScenarioError(f"{source}: at $.without: {scenario.like!r} has no project {name!r}; it has {known}")
    own_keys = {name: getattr(scenario, name) for name in data if name not in {"ontologies", "projects"}}
    projects = [project for project in base.projects if project.name not in scenario.without]
    own = {"ontologies": base.ontologies | scenario.ontologies, "projects": projects + scenario.projects}
    return msgspec.structs.replace(base, **(_keep_models_and_slices(base, projects) | own_keys | own))


def _keep_models_and_slices(base: Scenario, projects: list[ProjectPlan]) -> dict[str, Any]:
    """The models and slices of a scenario, without those of projects that are left out."""
    names, datasets = {project.name for project in projects}, {project.dataset_name for project in projects}
    models = [
        msgspec.structs.replace(model, runs=[run for run in model.runs if run.project in names])
        for model in base.models
    ]
    slices = [plan for plan in base.slices if datasets.issuperset(plan.datasets)]
    return {"models": models, "slices": slices}


def explain(message: str, data: dict[str, Any]) -> str:
    """msgspec's words, with the key path first and the known words after an unknown one, nearest first."""
    what, _, path = message.partition(" - at ")
    path = _name_key(path.strip("`") or "$", data)
    if match := re.search(r"unknown field `(.+)`", what):
        known = find_part(path).__struct_fields__
        near = quote(nearest(match[1], known))
        return f"at {path}: there is no key {match[1]!r}; the nearest known are {near}"
    media = _find_value(data, [*split_path(path)[:2], "media"])
    if path.endswith(".tool") and media in BY_NAME:
        return f"at {path}: {describe_wrong_tool(str(_find_value(data, split_path(path))), str(media))}"
    words = describe_unknown_word(what, path, Scenario)
    return f"at {path}: {what if words is None else words}"


def _name_key(path: str, data: dict[str, Any]) -> str:
    """The path with the name of the ontology, for which msgspec writes `[...]`."""
    start = "$.ontologies[...]"
    if path.startswith(start):
        for key, ontology in data["ontologies"].items():
            try:
                convert(ontology, OntologyPlan)
            except msgspec.ValidationError:
                return f"$.ontologies.{key}{path.removeprefix(start)}"
    return path


def find_part(path: str) -> type[msgspec.Struct]:
    """The table of the file that a key path leads to: the last key that names a list or dictionary of tables."""
    keys = [key for key in re.findall(r"[a-z_]+", path) if key in _PART_AT_KEY]
    return _PART_AT_KEY[keys[-1]] if keys else Scenario
