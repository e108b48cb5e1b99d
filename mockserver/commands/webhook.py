"""`mockserver webhook send|listen|certify`: tools for authors of receivers; `webhook_tools` has more."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockserver.commands.bars import show_progress
from mockserver.commands.options import (
    ENDS,
    SCENARIO,
    SECRETS_IF_ANY,
    SEED,
    Command,
    check_texts,
    fail,
    secret_option,
)
from mockserver.commands.webhook_tools import replay, sign, verify
from mockserver.digits import parse_digits
from mockserver.errors import MockserverError, StartupError

if TYPE_CHECKING:
    from mockserver import certification
    from mockserver.certification.documents import Version
    from mockserver.commands.listening import Listener
    from mockserver.commands.received import Received
    from mockserver.server import Background

TOPIC = "LABEL_CREATED"
DIRECTORY = click.Path(path_type=Path, file_okay=False)
LISTEN_PORT = 3001
"""The port of the documentation's sample receiver."""


@click.group()
def webhook() -> None:
    """Sends webhooks, shows received ones, certifies receivers."""


for verb in (replay, sign, verify):
    webhook.add_command(verb)


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


class Statuses(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """HTTP statuses with commas between them."""

    name = "statuses"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        statuses = tuple(parse_digits(word.strip(), 3) or 0 for word in value.split(","))
        if not all(200 <= status <= 599 for status in statuses):
            self.fail(f"{value!r} is no list of statuses; expected 200 to 599, for example 500,500,204", param, ctx)
        return statuses


@webhook.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=LISTEN_PORT, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@SECRETS_IF_ANY
@click.option(
    "--answer",
    "answers",
    default="200",
    show_default=True,
    type=Statuses(),
    metavar="STATUS,…",
    help="The answers to genuine messages in their order; the last holds for the rest.",
)
@click.option("--delay", default=0.0, type=click.FloatRange(min=0), metavar="SECONDS", help="Answer so much later.")
@click.option("--forward-to", metavar="URL", help="Hand genuine messages on, and give the answer of that program.")
@click.option("--timeout", default=15.0, show_default=True, type=click.FloatRange(min=0.1), help="Seconds for it.")
@click.option("--save", metavar="DIR", type=DIRECTORY, help="Write each message to a file, for `webhook replay`.")
@click.option("--format", "form", default="text", show_default=True, type=click.Choice(["text", "json"]))
@click.option("--ready-file", metavar="PATH", type=click.Path(path_type=Path), help="Write the address here.")
@click.option("--count", type=click.IntRange(min=1), help="End after so many messages.")
@click.option("--body", "whole", is_flag=True, help="Show whole bodies.")
def listen(host: str, port: int, form: str, whole: bool, ready_file: Path | None, **options: Any) -> None:
    """Receives webhooks: shows each, and whether both signatures are right.

    The status is 1 if a message was not genuine, or was refused by the program of --forward-to.
    """
    from mockserver import server
    from mockserver.commands.received import format_json, format_text

    try:
        check_texts({**options, "answers": None})
        bound = server.bind(host, port)
        url = f"{server.address_of(bound, host)}/"
        listener, background = build_listener(
            show=format_json if form == "json" else lambda received: format_text(received, whole=whole), **options
        )
        with contextlib.ExitStack() as stack:
            server.serve(
                listener, bound, [background], companion=None, ready=lambda: announce(url, ready_file, stack, form)
            )
    except MockserverError as error:
        fail(error)
    raise SystemExit(1 if listener.failed else 0)


def build_listener(
    *, forward_to: str | None, timeout: float, save: Path | None, show: Callable[[Received], str], **options: Any
) -> tuple[Listener, Background]:
    """The receiver, and what runs beside it. Raises StartupError, BadInput."""
    from mockserver.commands.forwarding import Forwarder
    from mockserver.commands.listening import Listener, ListenOptions, NoCompanion

    if save is not None:
        try:
            save.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StartupError(f"--save {save}: {error.strerror}; give a folder that can be written") from None
    forwarder = None if forward_to is None else Forwarder(forward_to, timeout=timeout)
    listener = Listener(
        ListenOptions(save=save, **options),
        show=show, echo=click.echo, stop=lambda: signal.raise_signal(signal.SIGTERM), forwarder=forwarder,
    )  # fmt: skip
    return listener, forwarder or NoCompanion()


def announce(url: str, ready_file: Path | None, stack: contextlib.ExitStack, form: str) -> None:
    """Says that messages can be sent, to users and to programs."""
    from mockserver.server import write_ready_file

    if ready_file is not None:
        write_ready_file(ready_file, {"url": url, "pid": os.getpid()})
        stack.callback(ready_file.unlink, missing_ok=True)
    click.echo(f"Listening on {url} (any path). Stop it with Ctrl+C.", err=form == "json")


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
@click.argument("url", required=False)
@secret_option("The secret of your receiver.")
@click.option("--previous-secret", help="A secret that it has to accept, too, while it is replaced.")
@click.option("--retired-secret", help="A secret that it has to refuse, because it was replaced.")
@click.option("--app", metavar="MODULE:NAME", help="An ASGI or WSGI application to serve, in place of a URL.")
@click.option("--path", default="/", show_default=True, help="The path of its receiver.")
@click.option("--topic", default=TOPIC, show_default=True, help="Topic of the messages that do not test topics.")
@body_options
@click.option("--within", default=5.0, show_default=True, type=click.FloatRange(min=0.1), help="Seconds to answer in.")
@click.option("--leave-out", multiple=True, metavar="CASE", help="Do not send this case; may be repeated.")
@click.option("--only", multiple=True, metavar="CASE", help="Send only this case; may be repeated.")
@click.option("--strict", is_flag=True, help="Remarks count as failures.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--junit", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Also write JUnit XML.")
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Also write a page.")
@click.option(
    "--cases", is_flag=True, is_eager=True, expose_value=False, callback=list_cases, help="List the cases and exit."
)
def certify(
    url: str | None, app: str | None, strict: bool, as_json: bool, junit: Path | None, html: Path | None, **options: Any
) -> None:
    """Sends some sixty cases to your receiver. Status 0: certified; 1: not certified; 2: not reached."""
    from mockserver import certification
    from mockserver.certification.local_app import load_app

    try:
        check_texts(options)
        report = run_certification(url, app=None if app is None else load_app(app), **options)
        if as_json:
            click.echo(certification.as_json(report, strict=strict), nl=False)
        else:
            click.echo(certification.as_text(report), nl=False)
        if junit is not None:
            write_file("--junit", junit, certification.as_junit(report, strict=strict))
        if html is not None:
            write_file("--html", html, certification.as_html(report))
    except StartupError as error:
        fail(error)
    raise SystemExit(0 if (report.flawless if strict else report.passed) else 1)


def run_certification(
    url: str | None,
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


def write_file(option: str, file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise StartupError(f"{option} {file} cannot be written: {error.strerror}") from None
