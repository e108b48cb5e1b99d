"""The settings of the pytest plugin: options, the ini file, and the marks of tests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

MARK_WORDS = ("scenario", "seed", "ends", "payload_date", "switches", "incarnation", "progression")
SETTINGS = ("scenario", "seed", "ends", "payload_date")
"""Words of the mark that are also options."""
OPTIONS = {
    "labelbox_scenario": "scenario of every workspace, a name or a TOML file (default: default)",
    "labelbox_seed": "seed of every workspace (default: 0)",
    "labelbox_ends": "when the generated history ends (default: the scenario's)",
    "labelbox_payload_date": "write exports in the form of this date (default: the scenario's)",
    "labelbox_server_url": "use a running server, for example in a container, instead of starting one",
    "labelbox_control_token": "control token of the server at labelbox_server_url",
    "labelbox_real_hosts": "allow: tests with the fixtures may reach labelbox.com (default: they fail)",
    "labelbox_server_python": "interpreter of the server, or own: an environment is made for it (default: this one)",
}


def read_setting(config: pytest.Config, name: str) -> str | None:
    """The option of the command line, or else the line of the ini file; None if neither is given."""
    value = config.getoption(name)
    return str(value) if value is not None else config.getini(name) or None


def parse_seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise pytest.UsageError(
            f"--labelbox-seed (or labelbox_seed) is {text!r}; expected a whole number, for example --labelbox-seed 7"
        ) from None


def _scenario_setting(config: pytest.Config) -> str | None:
    """The scenario of the session: a path is relative to the current folder, or in the ini file to its folder."""
    option = config.getoption("labelbox_scenario")
    if option is not None:
        return _resolve_path(str(option), config.invocation_params.dir)
    configured = config.getini("labelbox_scenario")
    return _resolve_path(str(configured), config.rootpath) if configured else None


def _resolve_path(scenario: str, folder: Path) -> str:
    """The absolute path of a scenario's file; a name is unchanged."""
    is_path = "/" in scenario or os.sep in scenario or scenario.endswith(".toml") or (folder / scenario).is_file()
    return str(folder / scenario) if is_path else scenario


def _parse_mark(mark: pytest.Mark) -> dict[str, Any]:
    """The words of the mark. An unknown one is an error: the test would run in another world without a notice."""
    unknown = sorted(set(mark.kwargs) - set(MARK_WORDS))
    if mark.args or unknown:
        words = ", ".join([*map(repr, mark.args), *unknown])
        known = ", ".join(MARK_WORDS)
        raise pytest.UsageError(f"@pytest.mark.labelbox does not know {words}; it takes {known} by name")
    return dict(mark.kwargs)


def list_options(node: pytest.Item | pytest.Collector, config: pytest.Config) -> dict[str, Any]:
    """The settings of a workspace for a test, module or session: the options, then the marks, nearest last."""
    settings = {word: read_setting(config, f"labelbox_{word}") for word in SETTINGS} | {
        "scenario": _scenario_setting(config)
    }
    options: dict[str, Any] = {word: value for word, value in settings.items() if value is not None}
    if "seed" in options:
        options["seed"] = parse_seed(options["seed"])
    for place, mark in reversed(list(node.iter_markers_with_node("labelbox"))):
        words = _parse_mark(mark)
        if isinstance(words.get("scenario"), (str, Path)):
            file = Path(place.path)
            words["scenario"] = _resolve_path(str(words["scenario"]), file if file.is_dir() else file.parent)
        options |= words
    return options
