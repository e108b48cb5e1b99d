"""The verb `demo`: a server with a full world, a receiver of its webhooks and a few events, to look at in a browser."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import tempfile
import time
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import click

from mockserver.commands.options import SCENARIO, fail
from mockserver.errors import StartupError
from mockserver.testing.errors import MockServerError
from mockserver.testing.server import MockServer
from mockserver.testing.workspace import MockWorkspace

EVENTS = ("LABEL_CREATED", "REVIEW_CREATED", "WORKFLOW_ACTION", "LABEL_UPDATED", "LABEL_DELETED")
"""What happens at the beginning; each is sent to the receiver, which shows it."""
STARTS_WITHIN = 60.0
"""Seconds for the receiver to listen."""


@click.command()
@SCENARIO
@click.option("--browser/--no-browser", default=True, show_default=True, help="Open the page, if there is a browser.")
def demo(scenario: str, *, browser: bool) -> None:
    """Shows the product: a server, a receiver that prints its webhooks, and the page. Nothing is kept."""
    try:
        with (
            contextlib.suppress(KeyboardInterrupt),
            MockServer(scenario=scenario) as server,
            run_receiver() as (receiver, url, secret),
        ):
            greet(server.own)
            if browser:
                open_page(server.url)
            make_events(server.own, url, secret)
            receiver.wait()
    except StartupError as error:
        fail(error)
    except MockServerError as error:
        fail(StartupError(str(error)))


@contextlib.contextmanager
def run_receiver() -> Iterator[tuple[subprocess.Popen[bytes], str, str]]:
    """Starts `webhook listen`, which prints what it receives: process, URL and secret. Raises StartupError."""
    secret = secrets.token_urlsafe(16)
    with tempfile.TemporaryDirectory(prefix="mockserver-demo-") as folder:
        ready = Path(folder) / "receiver.json"
        command = [sys.executable, "-m", "mockserver", "webhook", "listen", "--port", "0", "--ready-file", str(ready)]
        with subprocess.Popen([*command, "--secret", secret]) as receiver:  # noqa: S603  our own command
            try:
                yield receiver, wait_for_url(ready, receiver), secret
            finally:
                receiver.terminate()


def wait_for_url(ready: Path, receiver: subprocess.Popen[bytes]) -> str:
    """The URL that the receiver has written into its ready file. Raises StartupError."""
    deadline = time.monotonic() + STARTS_WITHIN
    while not ready.exists():
        if receiver.poll() is not None or time.monotonic() > deadline:
            raise StartupError("the receiver of the demo does not listen; try `mockserver webhook listen`")
        time.sleep(0.02)
    return str(json.loads(ready.read_text("utf-8"))["url"])


def make_events(workspace: MockWorkspace, url: str, secret: str) -> None:
    """Subscribes the receiver, and lets some things happen in the first project that has labels for them."""
    workspace.webhook(url, secret=secret)
    for project in workspace.projects:
        with contextlib.suppress(MockServerError):  # a project without such data rows
            for event in EVENTS:
                workspace.event(event, project)
            return


def greet(workspace: MockWorkspace) -> None:
    click.echo(
        f"Page      {workspace.url}/\nGraphQL   {workspace.graphql_url}\nREST      {workspace.rest_url}\n"
        f"API key   {workspace.api_key}\nWebhooks  are shown below; more happen by the buttons of the page"
    )


def open_page(url: str) -> None:
    """Opens the page, unless this machine has no browser."""
    with contextlib.suppress(webbrowser.Error):
        webbrowser.get().open(f"{url}/")
