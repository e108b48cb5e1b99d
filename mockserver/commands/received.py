"""One received message as text for a terminal, or as a line of JSON."""

from __future__ import annotations

import contextlib
import datetime

import click
import msgspec
import orjson

from mockserver.commands.saved_messages import encode_body
from mockserver.webhooks.verification import Finding, Verification

MOST_SHOWN = 400
"""Characters of a body that are shown."""
UNVERIFIED = "not checked: no --secret"
COLOURS = {Finding.RIGHT: "green", Finding.WRONG: "red", Finding.MISSING: "yellow"}


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A message, the verdict on it (None without a secret), and its answer."""

    number: int
    received_at: float
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    verification: Verification | None
    status: int
    forwarded: str | None = None

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


def format_text(received: Received, *, whole: bool) -> str:
    """Time, topic, id, path, size and answer; then the verdict; then the body."""
    topic, delivery = received.header("x-labelbox-event"), received.header("x-labelbox-id")
    title = f"{escape(topic or 'no topic')} {escape(delivery or 'no id')} to {escape(received.path)}"
    answered = f"answered {received.status}{'' if received.forwarded is None else f' ({received.forwarded})'}"
    return "\n   ".join(
        [
            f"{format_clock_time()} {title}, {len(received.body)} bytes, {answered}",
            format_verdict(received.verification),
            format_body(received.body, whole=whole),
        ]
    )


def format_verdict(verification: Verification | None) -> str:
    if verification is None:
        return UNVERIFIED
    findings = {"X-Hub-Signature": verification.sha1, "X-Hub-Signature-256": verification.sha256}
    return ", ".join(f"{name} {click.style(finding, fg=COLOURS[finding])}" for name, finding in findings.items())


def format_json(received: Received) -> str:
    """One line, for programs."""
    verification = received.verification
    line = {
        "number": received.number,
        "received_at": received.received_at,
        "topic": received.header("x-labelbox-event"),
        "id": received.header("x-labelbox-id"),
        "path": received.path,
        "headers": received.headers,
        **encode_body(received.body),
        "bytes": len(received.body),
        "genuine": None if verification is None else verification.genuine,
        "signatures": None if verification is None else msgspec.structs.asdict(verification),
        "answered": received.status,
        "forwarded": received.forwarded,
    }
    return msgspec.json.encode(line).decode()


def format_clock_time() -> str:
    """The local time of this machine, for the user at the terminal."""
    return datetime.datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-3]


def format_body(body: bytes, *, whole: bool) -> str:
    """The whole body, indented, or its beginning. Control characters are escaped."""
    if whole:
        with contextlib.suppress(ValueError):  # a body that is not JSON is shown unchanged
            body = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2)
    text = body.decode("utf-8", "replace")
    excerpt = text if whole else text[:MOST_SHOWN]
    return "\n".join(map(escape, excerpt.split("\n"))) + ("" if len(excerpt) == len(text) else " …")


def escape(text: str) -> str:
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
