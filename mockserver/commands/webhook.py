"""`mockserver webhook send|listen|certify`: the bench for those who write receivers."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockserver.commands.bars import bar
from mockserver.commands.options import ENDS, SCENARIO, SEED, Command, fail
from mockserver.errors import MockserverError, StartupError
from mockserver.settings import ENVIRONMENT_PREFIX

if TYPE_CHECKING:
    from mockserver import certification
    from mockserver.certification.documents import Version

TOPIC = "LABEL_CREATED"
LISTEN_PORT = 3001
"""That of the documentation's sample receiver."""


@click.group()
def webhook() -> None:
    """Send webhooks, show what comes, certify a receiver."""


def secret(help_text: str, *, required: bool = True) -> Callable[[Command], Command]:
    """Also from the environment, so that it stands in no list of processes."""
    name = f"{ENVIRONMENT_PREFIX}WEBHOOK_SECRET"
    return click.option("--secret", envvar=name, show_envvar=True, required=required, help=help_text)


def bodies(command: Command) -> Command:
    """What messages are made of."""
    return PROJECT(VERSION(SCENARIO(SEED(ENDS(command)))))


VERSION = click.option(
    "--version", default="v2", show_default=True, type=click.Choice(["v1", "v2"]), help="Of bodies. The SDK makes v1."
)
PROJECT = click.option("--project", metavar="NAME|ID", help="Only labels of this project.")
NUMBER = click.IntRange(min=0)


def check_texts(asked: dict[str, Any]) -> None:
    """Raises StartupError for what nobody could sign or send."""
    from mockserver.certification.wire import check_text

    for value in asked.values():
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str):
                check_text("an option", text)


# send


@webhook.command()
@click.option("--url", required=True, help="Your receiver.")
@secret("What the message is signed with.")
@click.option("--topic", default=TOPIC, show_default=True, help="X-Labelbox-Event; any word is sent.")
@bodies
@click.option("--row", default=0, show_default=True, type=NUMBER, help="Which labelled data row.")
@click.option("--id", "delivery_id", metavar="ID", help="X-Labelbox-Id. Default: a new one each time.")
@click.option("--data-row-id", metavar="ID", help="In the place of the data row's own.")
@click.option("--project-id", metavar="ID", help="In the place of the project's own.")
@click.option("--label-id", metavar="ID", help="In the place of the label's own.")
@click.option("--set", "fields", multiple=True, metavar="PATH=VALUE", help="Another value: data_row.external_id=a.png.")
@click.option("--misbehave", metavar="NAME", help="Send it wrong; `list` tells the names.")
@click.option("--show", is_flag=True, help="Print what would be sent, and send nothing.")
def send(**asked: Any) -> None:
    """Send one real message from a generated world. Status 0 when the receiver took it."""
    from mockserver.commands import sending

    if asked["misbehave"] == "list":
        click.echo(sending.misbehaviours())
        return
    try:
        check_texts(asked)
        taken = sending.send(sending.Order(**asked), echo=click.echo)
    except MockserverError as error:
        fail(error)
    raise SystemExit(0 if taken else 1)


# listen


@webhook.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=LISTEN_PORT, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@secret("Verify with it, and answer 401 to what is not genuine.", required=False)
@click.option(
    "--status", default=200, show_default=True, type=click.IntRange(200, 599), help="How the rest is answered."
)
@click.option("--fail", "failing", default=0, show_default=True, type=NUMBER, help="Answer the first so many with 500.")
@click.option("--count", type=click.IntRange(min=1), help="End after so many messages.")
@click.option("--body", "whole", is_flag=True, help="Show bodies whole.")
def listen(host: str, port: int, **asked: Any) -> None:
    """Receive webhooks: show each, with the verdict on both signatures."""
    from mockserver import server
    from mockserver.commands.listening import Listener, NothingBeside

    try:
        check_texts(asked)
        bound = server.bind(host, port)
    except StartupError as error:
        fail(error)
    listener = Listener(**asked, echo=click.echo, stop=lambda: signal.raise_signal(signal.SIGTERM))
    greeting = f"Listening on {server.address_of(bound, host)}/ (any path). Stop it with Ctrl+C."
    server.serve(listener, bound, NothingBeside(), ready=lambda: click.echo(greeting), companion=None)


# certify


def list_cases(context: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    """What `--cases` prints."""
    if not asked or context.resilient_parsing:
        return
    from mockserver.certification import CASES

    for case in CASES:
        click.echo(f"{case.name:<28} {case.level:<7} {case.title}. {case.why}")
    context.exit()


@webhook.command()
@click.argument("url")
@secret("The secret that your receiver has.")
@click.option("--topic", default=TOPIC, show_default=True, help="That of messages which are not about topics.")
@bodies
@click.option("--within", default=5.0, show_default=True, type=click.FloatRange(min=0.1), help="Seconds to answer in.")
@click.option("--leave-out", multiple=True, metavar="CASE", help="Do not send this case; can be given again.")
@click.option("--strict", is_flag=True, help="Remarks count as failures.")
@click.option("--junit", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Write JUnit XML too.")
@click.option(
    "--cases", is_flag=True, is_eager=True, expose_value=False, callback=list_cases, help="List the cases, and end."
)
def certify(url: str, strict: bool, junit: Path | None, **asked: Any) -> None:
    """Try some sixty cases on your receiver. Status 0: certified; 1: not; 2: it could not be tried."""
    from mockserver import certification

    try:
        check_texts(asked)
        report = tried(url, **asked)
        click.echo(certification.as_text(report), nl=False)
        if junit is not None:
            write(junit, certification.as_junit(report, strict=strict))
    except StartupError as error:
        fail(error)
    raise SystemExit(0 if (report.flawless if strict else report.passed) else 1)


def tried(
    url: str,
    *,
    project: str | None,
    version: Version,
    scenario: str,
    seed: int,
    ends: str | None,
    **asked: Any,
) -> certification.Report:
    """The certification, with a bar for eyes; a log would fill with it. Raises StartupError."""
    from mockserver import certification
    from mockserver.certification.documents import documents_of

    documents = documents_of(scenario, seed=seed, ends=ends, project=project, version=version)
    with bar(len(certification.CASES), "Certifying") as done:
        return certification.certify(url, documents=documents, tell=lambda _: done(1), **asked)


def write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise StartupError(f"--junit {file} cannot be written: {error.strerror}") from None
