"""Parts of several commands: flags with environment names, and the report of an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import click
from click.shell_completion import CompletionItem

from mockserver.errors import MockserverError
from mockserver.settings import ENVIRONMENT_PREFIX

Command = TypeVar("Command", bound=Callable[..., Any])


def setting(flag: str, **options: Any) -> Callable[[Command], Command]:
    """Builds a flag with its environment name: `--ready-file` is LABELBOX_MOCKSERVER_READY_FILE."""
    name = flag.removeprefix("--").replace("-", "_").upper()
    return click.option(flag, envvar=f"{ENVIRONMENT_PREFIX}{name}", show_envvar=True, **options)


def complete_scenario(_context: click.Context, _parameter: click.Parameter, start: str) -> list[CompletionItem]:
    """The built-in scenarios and, by the shell, files."""
    from mockserver.generate.scenario import list_scenarios  # noqa: PLC0415  only while a user types

    names = [CompletionItem(name) for name in list_scenarios() if name.startswith(start)]
    return [*names, CompletionItem(start, type="file")]


SCENARIO = setting(
    "--scenario",
    default="default",
    show_default=True,
    metavar="NAME|FILE",
    shell_complete=complete_scenario,
    help="The world to serve.",
)
SEED = setting("--seed", default=0, show_default=True, type=int, help="Same seed, same world, byte for byte.")
ENDS = setting("--ends", metavar="DATE|now", help="When the generated history ends. Default: the scenario's.")


def fail(error: MockserverError) -> NoReturn:
    """Prints the error in one line and exits with status 2."""
    click.echo(f"mockserver: {error}", err=True)
    raise SystemExit(2)
