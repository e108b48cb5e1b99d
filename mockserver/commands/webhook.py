"""`mockserver webhook send|listen|certify`: tools for authors of receivers."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockserver.commands.bars import show_progress
from mockserver.commands.options import ENDS, SCENARIO, SEED, Command, fail
from mockserver.errors import MockserverError, StartupError
from mockserver.settings import ENVIRONMENT_PREFIX

if TYPE_CHECKING:
    from mockserver import certification
    from mockserver.certification.documents import Version

TOPIC = "LABEL_CREATED"
LISTEN_PORT = 3001
"""The port of the documentation's sample receiver."""


@click.group()
def webhook() -> None:
    """Sends webhooks, shows received ones, certifies receivers."""


def secret_option(help_text: str, *, required: bool = True) -> Callable[[Command], Command]:
    """The secret can also come from the environment, so that no list of processes shows it."""
    name = f"{ENVIRONMENT_PREFIX}WEBHOOK_SECRET"
    return click.option("--secret", envvar=name, show_envvar=True, required=required, help=help_text)


def body_options(command: Command) -> Command:
    """The options that choose the bodies of messages."""
    return PROJECT(VERSION(SCENARIO(SEED(ENDS(command)))))


VERSION = click.option(
    "--version",
    default="v2",
    show_default=True,
    type=click.Choice(["v1", "v2"]),
    help="Form of bodies. The SDK has v1.",
)
PROJECT = click.option("--project", metavar="NAME|ID", help="Only labels of this project.")
NUMBER = click.IntRange(min=0)


def check_texts(options: dict[str, Any]) -> None:
    """Raises StartupError for texts that cannot be signed or sent."""
    from mockserver.certification.client import check_text

    for value in options.values():
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str):
                check_text("an option", text)


# send


@webhook.command()
@click.option("--url", required=True, help="Your receiver.")
@secret_option("The secret to sign the message with.")
@click.option("--topic", default=TOPIC, show_default=True, help="X-Labelbox-Event; may be any word.")
@body_options
@click.option("--row", default=0, show_default=True, type=NUMBER, help="Number of the labelled data row.")
@click.option("--id", "delivery_id", metavar="ID", help="X-Labelbox-Id. Default: a new one each time.")
@click.option("--data-row-id", metavar="ID", help="Replaces the data row's id.")
@click.option("--project-id", metavar="ID", help="Replaces the project's id.")
@click.option("--label-id", metavar="ID", help="Replaces the label's id.")
@click.option("--set", "fields", multiple=True, metavar="PATH=VALUE", help="Sets a value: data_row.external_id=a.png.")
@click.option("--add", "new_fields", multiple=True, metavar="PATH=VALUE", help="Sets a value that may be a new key.")
@click.option("--misbehave", metavar="NAME", help="Send it in a wrong way; `list` lists the names.")
@click.option("--show", is_flag=True, help="Print the request, and send nothing.")
def send(**options: Any) -> None:
    """Sends one real message from a generated world. Status 0 if the receiver accepted it."""
    from mockserver.commands import sending

    if options["misbehave"] == "list":
        click.echo(sending.list_misbehaviours())
        return
    try:
        check_texts(options)
        accepted = sending.send(sending.SendOptions(**options), echo=click.echo)
    except MockserverError as error:
        fail(error)
    raise SystemExit(0 if accepted else 1)


# listen


@webhook.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=LISTEN_PORT, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@secret_option("Verify messages with it, and answer 401 to those that are not genuine.", required=False)
@click.option(
    "--status", default=200, show_default=True, type=click.IntRange(200, 599), help="The answer to other messages."
)
@click.option("--fail", "failing", default=0, show_default=True, type=NUMBER, help="Answer so many with 500 first.")
@click.option("--count", type=click.IntRange(min=1), help="End after so many messages.")
@click.option("--body", "whole", is_flag=True, help="Show whole bodies.")
def listen(host: str, port: int, **options: Any) -> None:
    """Receives webhooks: shows each, and whether both signatures are right."""
    from mockserver import server
    from mockserver.commands.listening import Listener, NoCompanion

    try:
        check_texts(options)
        bound = server.bind(host, port)
    except StartupError as error:
        fail(error)
    listener = Listener(**options, echo=click.echo, stop=lambda: signal.raise_signal(signal.SIGTERM))
    greeting = f"Listening on {server.address_of(bound, host)}/ (any path). Stop it with Ctrl+C."
    server.serve(listener, bound, NoCompanion(), ready=lambda: click.echo(greeting), companion=None)


# certify


def list_cases(context: click.Context, _parameter: click.Parameter, requested: bool) -> None:
    """Prints the cases for `--cases`."""
    if not requested or context.resilient_parsing:
        return
    from mockserver.certification import CASES

    for case in CASES:
        click.echo(f"{case.name:<28} {case.level:<7} {case.title}. {case.why}")
    context.exit()


@webhook.command()
@click.argument("url")
@secret_option("The secret of your receiver.")
@click.option("--topic", default=TOPIC, show_default=True, help="Topic of the messages that do not test topics.")
@body_options
@click.option("--within", default=5.0, show_default=True, type=click.FloatRange(min=0.1), help="Seconds to answer in.")
@click.option("--leave-out", multiple=True, metavar="CASE", help="Do not send this case; may be repeated.")
@click.option("--only", multiple=True, metavar="CASE", help="Send only this case; may be repeated.")
@click.option("--strict", is_flag=True, help="Remarks count as failures.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--junit", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Also write JUnit XML.")
@click.option(
    "--cases", is_flag=True, is_eager=True, expose_value=False, callback=list_cases, help="List the cases and exit."
)
def certify(url: str, strict: bool, as_json: bool, junit: Path | None, **options: Any) -> None:
    """Sends some sixty cases to your receiver. Status 0: certified; 1: not certified; 2: not reached."""
    from mockserver import certification

    try:
        check_texts(options)
        report = run_certification(url, **options)
        if as_json:
            click.echo(certification.as_json(report, strict=strict), nl=False)
        else:
            click.echo(certification.as_text(report), nl=False)
        if junit is not None:
            write_file(junit, certification.as_junit(report, strict=strict))
    except StartupError as error:
        fail(error)
    raise SystemExit(0 if (report.flawless if strict else report.passed) else 1)


def run_certification(
    url: str,
    *,
    project: str | None,
    version: Version,
    scenario: str,
    seed: int,
    ends: str | None,
    **options: Any,
) -> certification.Report:
    """Runs the certification with a progress bar, which is hidden in logs. Raises StartupError."""
    from mockserver import certification
    from mockserver.certification.documents import load_documents

    documents = load_documents(scenario, seed=seed, ends=ends, project=project, version=version)
    with show_progress(len(certification.CASES), "Certifying") as done:
        return certification.certify(url, documents=documents, tell=lambda _: done(1), **options)


def write_file(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise StartupError(f"--junit {file} cannot be written: {error.strerror}") from None
