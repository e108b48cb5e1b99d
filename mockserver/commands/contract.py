"""`mockserver contract`: tries anybody's client with the cases of the contract."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockserver.commands.bars import show_progress
from mockserver.commands.options import fail
from mockserver.errors import MockserverError, StartupError

if TYPE_CHECKING:
    from mockserver.contract import Report
    from mockserver.contract.process import Command

FILE = click.Path(path_type=Path, dir_okay=False)


def list_cases(context: click.Context, _parameter: click.Parameter, requested: bool) -> None:
    """Prints the cases for `--cases`."""
    if not requested or context.resilient_parsing:
        return
    from mockserver.contract import CASES

    for case in CASES:
        click.echo(f"{case.name:<24} {case.profile:<12} {case.level:<7} {case.title}. {case.why}")
    context.exit()


def print_schema(context: click.Context, _parameter: click.Parameter, name: str | None) -> None:
    """Prints a JSON Schema for `--schema`."""
    if name is None or context.resilient_parsing:
        return
    from mockserver.generate.fixtures import find_fixtures

    click.echo((find_fixtures() / "contract" / f"{name}.schema.json").read_text("utf-8"), nl=False)
    context.exit()


@click.command()
@click.option("--client", metavar="MODULE:CLASS", help="A Python class; its module is imported from this folder.")
@click.option(
    "--python", metavar="PATH", default=sys.executable, help="The interpreter of --client. Default: this one."
)
@click.option("--profile", "profiles", multiple=True, metavar="NAME", help="Only cases of this profile; repeatable.")
@click.option("--case", "names", multiple=True, metavar="NAME", help="Only this case; repeatable.")
@click.option("--leave-out", multiple=True, metavar="CASE", help="Not this case; repeatable.")
@click.option("--jobs", default=4, show_default=True, type=click.IntRange(1, 64), help="Cases at the same time.")
@click.option(
    "--silence", default=60.0, show_default=True, type=click.FloatRange(min=0.1), help="Seconds to wait for an answer."
)
@click.option("--strict", is_flag=True, help="Remarks count as failures.")
@click.option(
    "--cases", is_flag=True, is_eager=True, expose_value=False, callback=list_cases, help="List the cases and exit."
)
@click.option(
    "--schema",
    is_eager=True,
    expose_value=False,
    callback=print_schema,
    type=click.Choice(["protocol"]),
    help="Print a JSON Schema and exit.",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND…]")
def contract(*, strict: bool, **options: Any) -> None:
    """Tries your client with every case. Status 0: the contract is kept; 1: not kept; 2: the client cannot be started.

    The client is a Python class (--client) or a program in any language (-- COMMAND) that speaks the protocol of
    docs/contract.md.
    """
    from mockserver.contract import as_text
    from mockserver.testing.errors import MockServerError

    try:
        report = run_contract(**options)
        click.echo(as_text(report), nl=False)
    except MockserverError as error:
        fail(error)
    except MockServerError as error:
        fail(StartupError(str(error)))
    raise SystemExit(0 if (report.flawless if strict else report.passed) else 1)


def run_contract(
    *, client: str | None, python: str, command: Sequence[str], profiles: Sequence[str], names: Sequence[str],
    leave_out: Sequence[str], jobs: int, silence: float,
) -> Report:  # fmt: skip
    """Runs the chosen cases with a progress bar, which is hidden in logs. Raises StartupError."""
    from mockserver.contract import Runner, choose_cases
    from mockserver.testing.server import MockServer

    cases = choose_cases(profiles, names, leave_out)
    name, started = build_client(client, python, command)
    with MockServer() as server:
        runner = Runner(server, started, silence=silence)
        runner.probe()
        with show_progress(len(cases), "Trying the client") as done:
            return runner.run(cases, name=name, jobs=jobs, tell=lambda _: done(1))


def build_client(client: str | None, python: str, command: Sequence[str]) -> tuple[str, Command]:
    """The client's name, and how it is started. Raises StartupError."""
    from mockserver.contract import driver
    from mockserver.contract.process import build_command

    if (client is None) == (not command):
        raise StartupError("give the client as --client MODULE:CLASS, or as a command after --, and only one of both")
    if client is None:
        return " ".join(command), build_command(command, Path.cwd())
    module, _, name = client.partition(":")
    if not module or not name:
        raise StartupError(f"--client is {client!r}; expected a module and a class, like my_package.exports:Client")
    return client, build_command([str(Path(python).expanduser()), str(driver.__file__), client], Path.cwd())
