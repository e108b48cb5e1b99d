"""The types of values on the command line that become JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click

from mockserver.commands.durations import NUMBER, Duration


class Pace(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """A progression: at_once, looks=2 or seconds=5."""

    name = "progression"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, dict) or value == "at_once":
            return value
        match = re.fullmatch(rf"(looks|seconds)=({NUMBER})", value)
        if match is None:
            self.fail(f"{value!r} is no progression; expected at_once, looks=2 or seconds=5", param, ctx)
        return {match[1]: int(match[2]) if match[1] == "looks" and "." not in match[2] else float(match[2])}


class Words(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """Words with commas between them, as the keys of an object: `project_details,attachments`."""

    name = "words"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if isinstance(value, dict) else {word.strip(): True for word in value.split(",") if word.strip()}


class Json(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """A JSON value, or the name of a file with one after an @."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(Path(value[1:]).read_text("utf-8") if value.startswith("@") else value)
        except OSError as error:
            self.fail(f"{value[1:]!r} cannot be read: {error.strerror}", param, ctx)
        except ValueError as error:
            self.fail(f"{value[:200]!r} is not JSON ({error}); give JSON, or @FILE", param, ctx)


class Schedule(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """When failed deliveries are sent again: default, none, or seconds with commas between them."""

    name = "schedule"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, list) or value in {"default", "none"}:
            return value
        duration = Duration()
        return [duration.convert(part.strip(), param, ctx) for part in value.split(",")]
