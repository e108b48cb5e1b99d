"""Parts of several commands: flags with environment names, and the report of an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import click
from click.shell_completion import CompletionItem

from mockserver.errors import MockserverError
from mockserver.places import ENVIRONMENT_PREFIX

Command = TypeVar("Command", bound=Callable[..., Any])


def setting(flag: str, **options: Any) -> Callable[[Command], Command]:
    """Builds a flag with its environment name: `--ready-file` is LABELBOX_MOCKSERVER_READY_FILE."""
    name = flag.removeprefix("--").replace("-", "_").upper()
    return click.option(flag, envvar=f"{ENVIRONMENT_PREFIX}{name}", show_envvar=True, **options)


def complete_scenario(_context: click.Context, _parameter: click.Parameter, start: str) -> list[CompletionItem]:
    """The built-in scenarios and, by the shell, files."""
    from mockserver.generate.scenario_files import list_scenarios  # only while a user types

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


SECRET_NAME = f"{ENVIRONMENT_PREFIX}WEBHOOK_SECRET"


def secret_option(help_text: str, *, required: bool = True) -> Callable[[Command], Command]:
    """The secret can also come from the environment, so that no list of processes shows it."""
    return click.option("--secret", envvar=SECRET_NAME, show_envvar=True, required=required, help=help_text)


class Secret(click.types.StringParamType):
    """A secret, which may have spaces: click would take that of the environment for several."""

    def split_envvar_value(self, rv: str) -> list[str]:
        return [rv]


def _build_secrets_option(help_text: str, *, required: bool) -> Callable[[Command], Command]:
    return click.option(
        "--secret", "secrets", type=Secret(), multiple=True, envvar=SECRET_NAME, show_envvar=True, required=required,
        help=f"{help_text}; may be repeated, while a secret is replaced.",
    )  # fmt: skip


SECRETS = _build_secrets_option("The secret of the messages", required=True)
SECRETS_IF_ANY = _build_secrets_option("Verify messages with it, and answer 401 to others", required=False)


def check_texts(options: dict[str, Any]) -> None:
    """Raises StartupError for texts that cannot be signed or sent."""
    from mockserver.certification.client import check_text  # `--help` answers immediately

    for value in options.values():
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str):
                check_text("an option", text)
