"""The verb `serve`: builds the application, serves it until it is stopped, and says where it is."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from mockserver import __version__
from mockserver.commands.bars import show_generation
from mockserver.commands.durations import Duration
from mockserver.commands.options import ENDS, SCENARIO, SEED, fail, setting
from mockserver.errors import MockserverError, StartupError
from mockserver.places import cache_folder
from mockserver.settings import (
    DEFAULT_API_KEY,
    DEFAULT_DATABASE_CONNECTIONS,
    DEFAULT_JOURNAL_BODY,
    DEFAULT_JOURNAL_ENTRIES,
    DEFAULT_JOURNAL_LIMIT,
    DEFAULT_OUTBOX_LIMIT,
    DEFAULT_RESULTS_LIMIT,
    DEFAULT_WORKSPACES_LIMIT,
    LOG_WORDS,
    Settings,
    fill_port,
    parse_state,
)

DEFAULT_PORT = 8000


class Port(click.types.IntParamType):
    """A port number. Kubernetes sets LABELBOX_MOCKSERVER_PORT to `tcp://…` if a service has the name of the product."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and value.startswith("tcp://"):
            return DEFAULT_PORT
        return super().convert(value, param, ctx)


@click.command()
@setting("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@setting("--port", default=DEFAULT_PORT, show_default=True, type=Port(), help="Port to listen on; 0 for any free one.")
@SCENARIO
@SEED
@ENDS
@setting(
    "--state",
    metavar="DIR|URL",
    help="Keep the state in this folder, or in postgresql://…, which several servers may share. Default: a"
    " temporary folder, deleted at the end.",
)
@setting(
    "--database-connections",
    metavar="N",
    type=int,
    default=DEFAULT_DATABASE_CONNECTIONS,
    show_default=True,
    help="Connections to a database of --state that may be open.",
)
@setting("--replica-name", metavar="NAME", help="Its name in the logs of all servers of one database.")
@setting(
    "--replica-address",
    metavar="URL",
    help="http:// with host and port by which other servers of the database reach this one; {port} is its port.",
)
@setting("--api-key", default=DEFAULT_API_KEY, show_default=True, help="The key clients send.")
@setting(
    "--public-url",
    metavar="URL",
    help="Scheme and host of links, if not those that clients call; {port} is the server's port.",
)
@setting(
    "--ready-file", metavar="PATH", type=click.Path(path_type=Path), help="Write addresses and ids here when ready."
)
@setting("--exit-with", metavar="PID", type=int, help="Stop when this process ends.")
@setting("--payload-date", metavar="DATE", help="Write exports as the service did then. Default: as now.")
@setting("--control-token", metavar="TOKEN", help="Opens /_mock/ from other machines. Default: random.")
@setting(
    "--results-limit",
    metavar="MIB",
    type=int,
    default=DEFAULT_RESULTS_LIMIT,
    show_default=True,
    help="Space for the results of exports of this server's workspaces; the oldest are deleted first.",
)
@setting("--results", metavar="URL|DIR", help="Keep results in s3://bucket/prefix, gs://, az://, or in this folder.")
@setting("--results-redirect", is_flag=True, help="Send clients that fetch results to presigned URLs of --results.")
@setting(
    "--workspaces-limit",
    metavar="NUMBER",
    type=int,
    default=DEFAULT_WORKSPACES_LIMIT,
    show_default=True,
    help="Workspaces at the same time.",
)
@setting(
    "--sweep-after",
    metavar="AGE",
    type=Duration(),
    help="Delete workspaces that no request has used for so long: seconds, or 2d, 1h30m. Default: never.",
)
@setting(
    "--outbox-limit",
    metavar="MIB",
    type=int,
    default=DEFAULT_OUTBOX_LIMIT,
    show_default=True,
    help="Waiting webhook messages of one workspace; the oldest are dropped.",
)
@setting(
    "--connection-limit", metavar="N", type=int, help="Connections that may be open. Default: half of `ulimit -n`."
)
@setting(
    "--journal-entries",
    metavar="NUMBER",
    type=int,
    default=DEFAULT_JOURNAL_ENTRIES,
    show_default=True,
    help="Requests of each workspace that are kept to be read; 0 for none.",
)
@setting(
    "--journal-limit",
    metavar="MIB",
    type=int,
    default=DEFAULT_JOURNAL_LIMIT,
    show_default=True,
    help="Memory for the kept requests of all workspaces; the oldest are dropped.",
)
@setting(
    "--journal-body",
    metavar="BYTES",
    type=int,
    default=DEFAULT_JOURNAL_BODY,
    show_default=True,
    help="What is kept of each body of a request or an answer.",
)
@setting(
    "--log",
    type=click.Choice(LOG_WORDS),
    default=LOG_WORDS[0],
    show_default=True,
    help="Which requests have a line on the error output.",
)
@setting("--gzip-results", is_flag=True, help="Compress result files for clients that accept gzip.")
@setting("--any-key", is_flag=True, help="Create a workspace for every unknown API key.")
@setting(
    "--webhook-allow",
    metavar="PATTERN",
    multiple=True,
    help="Where webhooks may go beside this machine and private networks: a host (* is any), address or network.",
)
def serve(state: str | None, **flags: Any) -> None:
    """Serves a generated world until it is stopped."""
    try:
        run(Settings(state=parse_state(state), cache=cache_folder(), **flags))
    except StartupError as error:
        fail(error)


def run(settings: Settings) -> None:
    """Binds, builds, serves and closes."""
    # No object that is created before the server is ready is garbage, so the collector need not search for any; and
    # all of them stay, so it need never walk schema and modules.
    gc.disable()
    # Imported here: `--help` and a wrong flag answer immediately.
    from mockserver import app, server
    from mockserver.control.ready import build_ready
    from mockserver.generate.prepared import watch_progress
    from mockserver.serving.acceptor import connection_limit
    from mockserver.serving.deadline import Deadline
    from mockserver.serving.descriptors import raise_limit

    with contextlib.suppress(RuntimeError, ValueError, OSError):  # there may be no error stream
        faulthandler.enable()  # a fault of a library in C leaves the line that led to it
    raise_limit()
    most_connections = connection_limit(settings.connection_limit)
    bound = server.bind(settings.host, settings.port)
    local = server.is_local(bound)
    settings = fill_port(settings, bound.getsockname()[1])
    url = settings.public_url.rstrip("/") if settings.public_url else server.address_of(bound, settings.host)
    with watch_progress(show_generation):
        built = app.build(settings, url, local=local, internal_url=server.internal_address_of(bound, settings.host))
    ready_files: list[Path] = []

    def remove_ready_files() -> None:
        for file in ready_files:
            file.unlink(missing_ok=True)

    deadline = Deadline(remove_ready_files)
    try:
        described = build_ready(built.own, url)
    except MockserverError as error:  # the database was lost in the meantime
        deadline.start()
        built.close()
        raise StartupError(str(error)) from None
    token = built.control_token

    def ready() -> None:
        if settings.ready_file is not None:
            more = {} if token is None else {"control_token": token}
            server.write_ready_file(settings.ready_file, msgspec.structs.asdict(described) | more)
            ready_files.append(settings.ready_file)
        greet(settings, built.own.world, described, token)

    gc.freeze()
    gc.enable()
    try:
        server.serve(
            built.app,
            bound,
            built.background,
            ready=ready,
            companion=settings.exit_with,
            most_connections=most_connections,
            stopping=deadline.start,
        )
    finally:
        deadline.start()
        built.close()
        remove_ready_files()
        deadline.finish()


def greet(settings: Settings, world: Any, described: Any, token: str | None) -> None:
    """Prints the addresses and the key. `token` is the control token if other machines can reach the server."""
    requested = (Path(settings.scenario).stem, settings.seed)
    note = "" if requested == (world.scenario, world.seed) else " (loaded from --state; --scenario and --seed ignored)"
    lines = [
        f"mockserver {__version__} serves scenario {world.scenario}, seed {world.seed}{note}",
        f"  GraphQL   {described.graphql_url}",
        f"  REST      {described.rest_url}",
        f"  Page      {described.url}/",
        f"  API key   {described.api_key}",
        f"  Projects  {', '.join(described.projects) or 'none'}",
        *([] if token is None else [f"  Control   from other machines with 'Authorization: Bearer {token}'"]),
        "Stop it with Ctrl+C.",
    ]
    click.echo("\n".join(lines))
    sys.stdout.flush()
