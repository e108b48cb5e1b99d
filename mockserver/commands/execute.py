"""`mockserver exec -- COMMAND…` and `mockserver env`: programs that are led to the mock by their environment."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from mockserver.commands.control.build import default_server
from mockserver.commands.options import ENDS, SCENARIO, SEED, fail, setting
from mockserver.errors import MockserverError, StartupError
from mockserver.places import ENVIRONMENT_PREFIX

if TYPE_CHECKING:
    from mockserver.testing.server import MockServer

NOT_FOUND, NOT_EXECUTABLE, BY_SIGNAL = 127, 126, 128
"""The statuses of a shell."""
PASSED_ON = (signal.SIGTERM, signal.SIGHUP)
ADVICE = (
    "mockserver: no request reached the mock. The program may not read the variables: SDK 3.76.0 to 5.0.0 reads no\n"
    "certificates, fetch of Node before 24 no proxy. Then give it the addresses:\n"
    '  Client(endpoint=os.environ["LABELBOX_GRAPHQL_URL"], rest_endpoint=os.environ["LABELBOX_REST_URL"])'
)


@click.command("exec")
@SCENARIO
@SEED
@ENDS
@setting("--payload-date", metavar="DATE", help="Write exports as the service did then. Default: as now.")
@click.option(
    "--proxy/--no-proxy", default=True, show_default=True, help="Also lead wired-in hosts to the mock (extra: exec)."
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND…")
def execute(command: Sequence[str], *, proxy: bool, **options: Any) -> None:
    """Runs a program with a mock of its own, and exits with its status.

    Any key is accepted. The program gets LABELBOX_API_KEY, LABELBOX_GRAPHQL_URL and LABELBOX_REST_URL. One that has https://api.labelbox.com
    wired in is led to the mock by a proxy, with a certificate that is made on the spot.
    """
    from mockserver.testing.errors import MockServerError
    from mockserver.testing.server import MockServer

    try:
        with MockServer("--any-key", **options) as server, build_environment(server, proxy=proxy) as environment:
            status = run_command(command, environment)
            if status not in {NOT_FOUND, NOT_EXECUTABLE} and count_requests(server) == 0:
                click.echo(ADVICE, err=True)
    except MockserverError as error:
        fail(error)
    except MockServerError as error:
        fail(StartupError(str(error)))
    raise SystemExit(status)


@contextmanager
def build_environment(server: MockServer, *, proxy: bool) -> Iterator[dict[str, str]]:
    """The environment of the program, while the proxy runs. Raises StartupError."""
    from mockserver.proxy.variables import address_variables

    environment = os.environ | address_variables(server.ready)
    with ExitStack() as stack:
        if proxy:
            environment |= start_proxy(server, stack)
        yield environment


def start_proxy(server: MockServer, stack: ExitStack) -> dict[str, str]:
    """Starts the proxy until the stack is closed, and returns its variables."""
    from mockserver.proxy.certificates import Certificates
    from mockserver.proxy.listener import Proxy
    from mockserver.proxy.variables import list_trusted, proxy_variables

    certificates = Certificates()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mockserver-exec-")))
    authority, bundle = certificates.write(folder, list_trusted(os.environ))
    parts = urlsplit(server.url)
    started = stack.enter_context(Proxy((parts.hostname or "127.0.0.1", parts.port or 80), certificates))
    return proxy_variables(started.url, authority=authority, bundle=bundle)


def run_command(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Runs the program to its end, and returns its status as a shell does."""
    early: list[int] = []
    for number in PASSED_ON:
        signal.signal(number, lambda received, _: early.append(received))
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl+C reaches the program too, which decides
    try:
        process = subprocess.Popen(command, env=environment)  # noqa: S603  the user's own command
    except FileNotFoundError:
        click.echo(f"mockserver: there is no program {command[0]!r}", err=True)
        return NOT_FOUND
    except OSError as error:
        click.echo(f"mockserver: {command[0]!r} cannot be run: {error.strerror}", err=True)
        return NOT_EXECUTABLE
    for number in PASSED_ON:
        signal.signal(number, lambda received, _: process.send_signal(received))
    for received in early:
        process.send_signal(received)
    status = process.wait()
    return BY_SIGNAL - status if status < 0 else status


def count_requests(server: MockServer) -> int:
    """Requests that reached the mock, whatever their key."""
    keys: list[str] = server.control.call("GET", "workspaces")["api_keys"]
    pages = [server.control.call("GET", "requests", api_key=key, limit="1") for key in keys]
    pages.append(server.control.call("GET", "requests", unclaimed="true", limit="1"))
    return sum(int(page["received"]) for page in pages)


@click.command()
@click.option(
    "--server",
    envvar=f"{ENVIRONMENT_PREFIX}SERVER",
    show_envvar=True,
    metavar="URL",
    help="The server's address. Default: this machine's, with the port of --port.",
)
@click.option(
    "--token",
    envvar=f"{ENVIRONMENT_PREFIX}CONTROL_TOKEN",
    show_envvar=True,
    metavar="TOKEN",
    help="The control token, which a server on another machine or in a container requires.",
)
def env(server: str | None, token: str | None) -> None:
    """Prints the lines that lead a shell's programs to a running server: eval "$(mockserver env)"."""
    from mockserver.proxy.variables import address_variables
    from mockserver.testing.errors import MockServerError
    from mockserver.testing.server import MockServer

    try:
        ready = MockServer.from_url(server or default_server(), control_token=token).ready
    except MockServerError as error:
        fail(StartupError(str(error)))
    for name, value in address_variables(ready).items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
