"""Commands from the table of verbs: they make the call, print the answer, and end with a status.

The status is 0, or 1 if the server refused the call or the answer is negative, or 2 if no server answers.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from mockserver.commands.control.verbs import VERBS, Verb
from mockserver.digits import parse_digits
from mockserver.places import ENVIRONMENT_PREFIX

if TYPE_CHECKING:
    from mockserver.testing.control import Control

REFUSED, NOT_REACHED = 1, 2
DEFAULT_PORT = "8000"
TEXTS = ("expected", "metrics")
"""Paths whose answer is no object of JSON, and is printed as it is."""
POLL = 0.1
"""Seconds between two health checks."""


def build_commands() -> Iterator[click.Command]:
    """A command for each verb; those of two words are in the group of the first, which is a verb itself."""
    for name in dict.fromkeys(verb.name.split()[0] for verb in VERBS):
        first, *others = [verb for verb in VERBS if verb.name.split()[0] == name]
        if not others:
            yield _build_command(first, name)
            continue
        alone = first if first.name == name else None
        yield _build_group(name, alone, others if alone else [first, *others])


def _build_group(name: str, alone: Verb | None, others: list[Verb]) -> click.Group:
    """A group that runs the verb of its own name, if no other follows."""
    summary = alone.summary if alone else ""
    params = [*alone.params, *connection_options()] if alone else []

    def run_alone(**values: Any) -> None:
        context = click.get_current_context()
        if context.invoked_subcommand is None and alone is not None:
            run(alone, values)

    group = click.Group(name, params=params, callback=run_alone, help=summary, invoke_without_command=alone is not None)
    for verb in others:
        group.add_command(_build_command(verb, verb.name.split()[1]))
    return group


def _build_command(verb: Verb, name: str) -> click.Command:
    params = [*verb.params, *connection_options()]
    return click.Command(name, params=params, callback=lambda **values: run(verb, values), help=verb.summary)


def connection_options() -> list[click.Option]:
    """The options that say which server and which workspace a verb is about."""
    prefix = ENVIRONMENT_PREFIX
    return [
        click.Option(
            ["--server"], envvar=f"{prefix}SERVER", show_envvar=True, metavar="URL",
            help="The server's address. Default: this machine's, with the port of --port.",
        ),
        click.Option(
            ["--api-key", "workspace"], envvar=f"{prefix}API_KEY", show_envvar=True, metavar="KEY",
            help="Which workspace. Default: the server's own.",
        ),
        click.Option(
            ["--token"], envvar=f"{prefix}CONTROL_TOKEN", show_envvar=True, metavar="TOKEN",
            help="The control token, which a server on another machine or in a container requires.",
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Print the answer as JSON."),
    ]  # fmt: skip


def run(verb: Verb, values: dict[str, Any]) -> None:
    """Makes the call of a verb, and prints the answer."""
    from mockserver.testing.control import Control  # `--help` answers immediately
    from mockserver.testing.errors import ControlRefusedError, MockServerError

    control = Control(values["server"] or default_server(), token=values["token"], describe_end=lambda: ADVICE)
    try:
        output = call(verb, control, values)
    except ControlRefusedError as error:
        click.echo(f"mockserver: {error.args[0].partition(': ')[2]}", err=True)
        raise SystemExit(REFUSED) from None
    except (MockServerError, ValueError) as error:
        click.echo(f"mockserver: {error}", err=True)
        raise SystemExit(NOT_REACHED) from None
    if output:
        click.echo(output, color=False if "NO_COLOR" in os.environ else None)


ADVICE = "Start it with `mockserver serve`, or give its address: --server http://127.0.0.1:8000"


def default_server() -> str:
    """The address of a server on this machine, with the port that the environment sets for `serve`."""
    port = os.environ.get(f"{ENVIRONMENT_PREFIX}PORT", "")
    return f"http://127.0.0.1:{parse_digits(port, 5) or DEFAULT_PORT}"


def call(verb: Verb, control: Control, values: dict[str, Any]) -> str:
    """Makes the call, and renders the answer. Raises ControlRefusedError, ServerDiedError."""
    content = verb.finish(_list_content(verb, values))
    path = re.sub(r"{(\w+)}", lambda match: _quote(str(content.pop(match[1]))), verb.path)
    workspace = {"api_key": values["workspace"]} if values["workspace"] and verb.about_a_workspace else {}
    if verb.name == "fork":
        content["fork_of"] = values["workspace"] or control.call("GET", "ready")["api_key"]
    if verb.path in TEXTS:
        text = control.send(verb.method, path, content or None, **workspace).decode().removesuffix("\n")
        return _render_metrics(text) if verb.path == "metrics" and values["as_json"] else text
    if verb.name == "health":
        answer = _wait_until_ready(control, content.get("wait", 0))
    elif verb.method == "GET" or (verb.reads and not content):
        answer = _read_pages(verb, control, path, {name: _query(value) for name, value in content.items()} | workspace)
    elif verb.method == "DELETE":
        answer = control.call("DELETE", path, **{name: _query(value) for name, value in content.items()}, **workspace)
    else:
        answer = control.call(verb.method, path, content, **workspace)
    if answer is None:
        return "{}" if values["as_json"] else ""
    return json.dumps(answer, indent=2, ensure_ascii=False) if values["as_json"] else verb.render(answer)


def _render_metrics(text: str) -> str:
    """The samples of Prometheus as an object, by name and labels."""
    samples = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return json.dumps({name: float(number) for name, _, number in samples}, indent=2)


def _wait_until_ready(control: Control, seconds: float) -> Any:
    """The answer of the health check. Raises ServerDiedError if there is none after so many seconds."""
    from mockserver.testing.errors import ServerDiedError

    deadline = time.monotonic() + seconds
    while True:
        try:
            return control.call("GET", "health")
        except ServerDiedError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(POLL)


def _list_content(verb: Verb, values: dict[str, Any]) -> dict[str, Any]:
    """The parameters that were given."""
    names = [str(param.name) for param in verb.params]
    present = {name: values[name] for name in names if values[name] is not None and values[name] != ()}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in present.items()}


def _query(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quote(text: str) -> str:
    return quote(text, safe="")


def _read_pages(verb: Verb, control: Control, path: str, query: dict[str, str]) -> Any:
    """The answer; of a list with pages all of them as one."""
    answer = control.call("GET", path, **query)
    if verb.pages is None:
        return answer
    page = answer
    while page["next_after"] is not None:
        page = control.call("GET", path, **query | {"after": str(page["next_after"])})
        answer[verb.pages] += page[verb.pages]
    answer["next_after"] = None
    return answer
