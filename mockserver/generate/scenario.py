"""Scenario files: TOML that is parsed, completed by the scenario it is like, and checked (docs/scenarios.md)."""

from __future__ import annotations

import re
import tomllib
import typing
from pathlib import Path
from typing import Any, get_args

import msgspec

from mockserver.errors import ScenarioError, nearest, quote
from mockserver.generate.checks import check
from mockserver.generate.fixtures import find_fixtures
from mockserver.generate.plans import (
    MetadataPlan,
    ModelPlan,
    OntologyPlan,
    Option,
    ProjectPlan,
    Question,
    QuestionKind,
    RunPlan,
    Scenario,
    SlicePlan,
    Splits,
    TagPlan,
    Tool,
    ToolKind,
    ValuePlan,
)
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
}


MOST_BYTES = 1024 * 1024
"""Of a scenario file. The largest that come with the package have some ten thousand."""


def list_scenarios() -> list[str]:
    """The scenarios that come with the package."""
    return sorted(path.stem for path in (find_fixtures() / "scenarios").glob("*.toml"))


def find(name: str) -> Path:
    """The file of a scenario, by the name of a built-in scenario or by a path. Raises ScenarioError."""
    if name.endswith(".toml") or "/" in name:
        path = Path(name)
        if path.is_file():
            return path
        raise ScenarioError(f"--scenario is {name!r}, and there is no such file; give a path that exists")
    if name in list_scenarios():
        return find_fixtures() / "scenarios" / f"{name}.toml"
    known = quote(nearest(name, list_scenarios()))
    raise ScenarioError(f"--scenario is {name!r}; known are {known}, or give a path that ends in .toml")


def load(path: Path) -> Scenario:
    """Reads and checks a scenario file. Raises ScenarioError naming the file, the key path and what was expected."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ScenarioError(f"{path} has more than {MOST_BYTES:,} bytes; scenarios have some thousands")
        with path.open("rb") as file:
            text = file.read(MOST_BYTES)
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}; give a file that can be read") from None
    return parse(text, source=str(path))


def parse(text: bytes, *, source: str) -> Scenario:
    """The scenario in a TOML text."""
    try:
        data = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{source}: not TOML: {error}") from None
    except RecursionError:
        raise ScenarioError(
            f"{source}: its lists or tables are nested too deep; ontologies need some ten levels"
        ) from None
    try:
        scenario = msgspec.convert(data, Scenario)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{source}: {explain(str(error), data)}") from None
    scenario = _complete(scenario, data, source)
    check(scenario, source)
    return scenario


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
    """msgspec's words, with the key path first and the nearest known word after an unknown one."""
    what, _, path = message.partition(" - at ")
    path = path.strip("`") or "$"
    if match := re.search(r"unknown field `(.+)`", what):
        known = find_part(path).__struct_fields__
        near = quote(nearest(match[1], known))
        return f"at {path}: there is no key {match[1]!r}; the nearest known are {near}"
    if match := re.search(r"Invalid enum value '?(.+?)'?$", what):
        known_words = _list_words(path)
        near = quote(nearest(match[1], known_words))
        return f"at {path}: {match[1]!r} is not known; expected one of {near}"
    return f"at {path}: {what}"


def find_part(path: str) -> type[msgspec.Struct]:
    """The table of the file that a key path leads to: the last key that names a list or dictionary of tables."""
    keys = [key for key in re.findall(r"[a-z_]+", path) if key in _PART_AT_KEY]
    return _PART_AT_KEY[keys[-1]] if keys else Scenario


def _list_words(path: str) -> list[str]:
    if path.endswith("kind"):
        return ["string", "number", "datetime", "enum"]
    if ".switches." in path:
        return list(get_args(typing.get_type_hints(Switches)[path.rpartition(".")[2]]))
    if path.endswith("scope"):
        return ["global", "index"]
    if path.endswith("type"):
        return list(get_args(QuestionKind))
    return list(get_args(ToolKind))
