"""`mockserver webhook replay|sign|verify`: tools that need no server and no generated world."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from mockserver.commands.options import SECRETS, check_texts, fail, secret_option
from mockserver.errors import MockserverError, StartupError

PLACE = click.Path(path_type=Path, exists=True)
BODY = click.option("--body", "body_file", required=True, metavar="FILE", help="The raw body; - for standard input.")


@click.command()
@click.argument("places", nargs=-1, required=True, type=PLACE, metavar="DIR|FILE…")
@click.option("--url", required=True, help="Your receiver.")
@click.option("--speed", type=click.FloatRange(min=0.001), help="Keep the pauses, divided by it. Default: no pauses.")
@secret_option("Sign the messages anew with it. Default: the signatures that were saved.", required=False)
def replay(places: tuple[Path, ...], **options: Any) -> None:
    """Sends saved messages to your receiver. Status 0 if it accepted them all."""
    from mockserver.commands import replaying
    from mockserver.commands.saved_messages import load_messages

    try:
        check_texts(options)
        messages = load_messages(places)
        accepted = replaying.replay(messages, replaying.ReplayOptions(**options), echo=click.echo)
    except MockserverError as error:
        fail(error)
    raise SystemExit(0 if accepted else 1)


@click.command()
@secret_option("The secret to sign with.")
@BODY
@click.option("--topic", default="LABEL_CREATED", show_default=True, help="X-Labelbox-Event.")
@click.option("--id", "delivery_id", metavar="ID", help="X-Labelbox-Id. Default: a new one each time.")
@click.option("--json", "as_json", is_flag=True, help="Print the headers as JSON.")
def sign(secret: str, body_file: str, as_json: bool, **options: Any) -> None:
    """Prints the headers of a signed message, as `curl -H @-` reads them."""
    from mockserver.certification.client import check_header
    from mockserver.commands.signing import sign_body

    try:
        check_texts({"secret": secret, **options})
        for name, value in options.items():
            if value is not None:
                check_header(f"--{name.removeprefix('delivery_')}", value)
        message = sign_body(read_body(body_file), secret=secret, **options)
    except StartupError as error:
        fail(error)
    if as_json:
        click.echo(json.dumps(message.headers, indent=2))
        return
    for name, value in message.headers.items():
        click.echo(f"{name}: {value}")


@click.command()
@click.argument("places", nargs=-1, type=PLACE, metavar="[DIR|FILE…]")
@SECRETS
@click.option("--body", "body_file", metavar="FILE", help="The raw body, in place of saved messages; - for input.")
@click.option("--header", "headers", multiple=True, metavar="NAME: VALUE", help="A header of it; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each message.")
def verify(
    places: tuple[Path, ...], secrets: tuple[str, ...], body_file: str | None, headers: tuple[str, ...], as_json: bool
) -> None:
    """Verifies saved messages, or one body with its headers. Status 0 if all are genuine."""
    from mockserver.commands.signing import verify_message

    try:
        check_texts({"secrets": secrets})
        messages = load(places, body_file, headers)
    except StartupError as error:
        fail(error)
    genuine = True
    for name, lower_headers, body in messages:
        verification, mistake = verify_message(lower_headers, body, secrets)
        genuine = genuine and verification.genuine
        click.echo(render_verdict(name, verification, mistake, as_json=as_json))
    raise SystemExit(0 if genuine else 1)


def load(
    places: tuple[Path, ...], body_file: str | None, headers: tuple[str, ...]
) -> list[tuple[str, dict[str, str], bytes]]:
    """The name, the headers by lower-case name, and the body of each message. Raises StartupError."""
    from mockserver.commands.saved_messages import load_messages

    if (body_file is None) == (not places):
        raise StartupError("give either saved messages, or --body FILE with --header 'X-Hub-Signature-256: sha256=…'")
    if body_file is not None:
        pairs = [header.partition(":") for header in headers]
        if wrong := next((header for header in headers if ":" not in header), None):
            raise StartupError(f"--header is {wrong!r}; expected NAME: VALUE, like 'X-Hub-Signature-256: sha256=…'")
        names = {name.strip().lower(): value.strip() for name, _, value in pairs}
        return [(body_file, names, read_body(body_file))]
    return [
        (message.header("x-labelbox-id") or "no id", {name.lower(): value for name, value in message.headers},
         message.content)
        for message in load_messages(places)
    ]  # fmt: skip


def render_verdict(name: str, verification: Any, mistake: str | None, *, as_json: bool) -> str:
    """A line for the verdict, and one for the mistake with which the message is signed."""
    if as_json:
        verdict = {"message": name, "genuine": verification.genuine, "sha1": verification.sha1}
        return json.dumps(verdict | {"sha256": verification.sha256, "mistake": mistake})
    from mockserver.commands.received import escape, format_verdict

    word = click.style("genuine", fg="green") if verification.genuine else click.style("not genuine", fg="red")
    line = f"{escape(name)}: {word} ({format_verdict(verification)})"
    return line if mistake is None else f"{line}\n   It is signed as a receiver with this mistake would: {mistake}"


def read_body(file: str) -> bytes:
    """The bytes of a file, or of standard input. Raises StartupError."""
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise StartupError(f"--body {file} cannot be read: {error.strerror}; give a file, or - for input") from None
