"""The settings: flags first, then `LABELBOX_MOCKSERVER_…`, then the default. The only reader of the environment."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import msgspec

from mockserver.errors import StartupError
from mockserver.processes import process_exists

DEFAULT_API_KEY = "mock-api-key"
DEFAULT_RESULTS_LIMIT = 10_240
DEFAULT_WORKSPACES_LIMIT = 1000
"""Workspaces at the same time. Each has some 1.5 MB on the disk and four to seven open files; a test session deletes
the workspaces that it created."""
DEFAULT_OUTBOX_LIMIT = 1024
DEFAULT_DATABASE_CONNECTIONS = 30
DEFAULT_JOURNAL_ENTRIES = 2000
DEFAULT_JOURNAL_LIMIT = 64
DEFAULT_JOURNAL_BODY = 8192
LOG_WORDS = ("refused", "requests", "json", "none")
PORT = "{port}"
"""In the public URL, the port on which the server listens."""
LOCAL_HOSTS = ("127.0.0.1", "[::1]", "localhost")
KEY_PATTERN = r"^[A-Za-z0-9._~+=-]+$(?!\n)"
"""The characters of an API key: it is sent in a header, and in the path of the control that deletes its workspace. In
Python `$` also matches before a last newline."""
LONGEST_KEY = 1_000
"""Characters. Keys of the service are signed tokens of some 300."""
MICROSECONDS = 1_000_000
FIRST_YEAR, LAST_YEAR = 1972, 9900
"""A history begins more than a year before its end, and a clock may run on from the end."""


LIMITS = {
    "results_limit": ("MiB", 2048),
    "workspaces_limit": ("a number of workspaces", DEFAULT_WORKSPACES_LIMIT),
    "outbox_limit": ("MiB", 2048),
    "connection_limit": ("a number of connections", 400),
    "database_connections": ("a number of connections", DEFAULT_DATABASE_CONNECTIONS),
    "journal_limit": ("MiB", 256),
    "journal_body": ("bytes", 65536),
}
"""Settings that are at least one: their unit, and an example."""


class DatabaseUrl(msgspec.Struct, frozen=True):
    """The address of a PostgreSQL database, as libpq takes it."""

    text: str

    def __str__(self) -> str:
        return re.sub(r"://([^/@:]*):[^/@]*@", r"://\1:…@", self.text)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One served process. `ends` None means the scenario's own end, "now" shifts that by whole days.

    `results_limit`, `outbox_limit` and `journal_limit` in MiB, `journal_body` in bytes; `connection_limit` None means
    as many as open files allow; no requests are recorded if `journal_entries` is 0. Workspaces that are idle for
    `sweep_after` seconds are deleted.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    scenario: str = "default"
    seed: int = 0
    ends: str | None = None
    payload_date: str | None = None
    state: Path | DatabaseUrl | None = None
    database_connections: int = DEFAULT_DATABASE_CONNECTIONS
    replica_name: str | None = None
    replica_address: str | None = None
    api_key: str = DEFAULT_API_KEY
    public_url: str | None = None
    control_token: str | None = None
    any_key: bool = False
    webhook_allow: tuple[str, ...] = ()
    results_limit: int = DEFAULT_RESULTS_LIMIT
    workspaces_limit: int = DEFAULT_WORKSPACES_LIMIT
    outbox_limit: int = DEFAULT_OUTBOX_LIMIT
    connection_limit: int | None = None
    journal_entries: int = DEFAULT_JOURNAL_ENTRIES
    journal_limit: int = DEFAULT_JOURNAL_LIMIT
    journal_body: int = DEFAULT_JOURNAL_BODY
    log: str = LOG_WORDS[0]
    sweep_after: float | None = None
    results: str | None = None
    results_redirect: bool = False
    gzip_results: bool = False
    ready_file: Path | None = None
    exit_with: int | None = None
    cache: Path = Path()

    @property
    def token(self) -> str:
        """The token that opens the control API to web pages and, if the server is not on loopback, to other machines.

        Not on loopback, it is never the API key (`commands/serve`): the default API key is published.
        """
        return self.control_token or self.api_key

    @property
    def hosts(self) -> frozenset[str]:
        """The names of this machine in a Host header, without a port: of loopback, of --host, of --public-url."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        public = re.match(r"https?://(\[[^\]]*\]|[^:/]*)", self.public_url or "")
        return frozenset({*LOCAL_HOSTS, host.lower(), *([public[1].lower()] if public else [])}) - {""}

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise StartupError(f"--port is {self.port}; expected 0 (any free port) to 65535, for example --port 8000")
        if not re.fullmatch(r"[\x21-\x7e]+", self.api_key):
            raise StartupError(
                f"--api-key is {self.api_key!r}; expected printable ASCII without spaces, because it is sent in a "
                f"header; for example --api-key {DEFAULT_API_KEY}"
            )
        check_seed(self.seed)
        if self.payload_date is not None:
            parse_date(self.payload_date, flag="--payload-date")
        self._check_limits()
        self._check_access()
        check_results(self.results, redirected=self.results_redirect)
        if self.exit_with is not None and not process_exists(self.exit_with):
            raise StartupError(
                f"--exit-with: no process {self.exit_with} is running; give the PID of a running process"
            )

    def _check_access(self) -> None:
        """Checks how clients, users and other servers reach this one."""
        if self.control_token is not None and not re.fullmatch(r"[\x21-\x7e]+", self.control_token):
            raise StartupError(
                "--control-token is empty or has other characters than printable ASCII without spaces, and it is sent "
                "in a header; for example --control-token $(openssl rand -hex 16)"
            )
        if self.public_url is not None:
            check_public_url(self.public_url)
        check_replica(self.replica_name, self.replica_address, shared=isinstance(self.state, DatabaseUrl))

    def _check_limits(self) -> None:
        if self.sweep_after is not None and self.sweep_after < 1:
            raise StartupError(
                f"--sweep-after is {self.sweep_after:g}; expected at least a second, for example --sweep-after 2d"
            )
        if self.journal_entries < 0:
            raise StartupError(
                f"--journal-entries is {self.journal_entries}; expected a number of requests, or 0 to record none, for "
                f"example --journal-entries {DEFAULT_JOURNAL_ENTRIES}"
            )
        for name, (unit, example) in LIMITS.items():
            limit: int | None = getattr(self, name)
            if limit is not None and limit < 1:
                flag = f"--{name.replace('_', '-')}"
                raise StartupError(f"{flag} is {limit}; expected {unit}, at least 1, for example {flag} {example}")


def check_seed(seed: int) -> None:
    """Raises StartupError for a number that no database can store."""
    if not -(2**63) <= seed < 2**63:
        raise StartupError(f"--seed is {seed}; expected a whole number of 64 bits, for example --seed 7")


def fill_port(settings: Settings, port: int) -> Settings:
    """Replaces `{port}` in the public URL and in the address for replicas by the port on which the server listens."""
    public, address = (
        None if url is None else url.replace(PORT, str(port)) for url in (settings.public_url, settings.replica_address)
    )
    return msgspec.structs.replace(settings, public_url=public, replica_address=address)


def check_public_url(url: str) -> None:
    """Raises StartupError for a URL to which `/graphql` cannot be appended. `{port}` is replaced later."""
    whole = url.replace(PORT, "8000")
    if not re.fullmatch(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?", whole):
        raise StartupError(
            f"--public-url is {url!r}; expected http:// or https:// with a host and no query, "
            "for example --public-url http://labelbox-mock:8000, or http://labelbox-mock:{port} with --port 0"
        )


def check_replica(name: str | None, address: str | None, *, shared: bool) -> None:
    """Raises StartupError for a name that cannot be logged in a word, for an address that cannot be connected to, and
    for either if no other server can share the state."""
    if not shared and (name, address) != (None, None):
        raise StartupError(
            "--replica-name and --replica-address are for servers that share a database; give --state postgresql://…,"
            " or leave them out"
        )
    if name is not None and not re.fullmatch(r"[\x21-\x7e]{1,100}", name):
        raise StartupError(
            f"--replica-name is {name!r}; expected at most 100 characters of printable ASCII without spaces, for"
            " example --replica-name mock-1"
        )
    whole = None if address is None else address.replace(PORT, "8000")
    if whole is not None and not re.fullmatch(r"http://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?", whole):
        raise StartupError(
            f"--replica-address is {address!r}; expected http:// with a host and a port, for example --replica-address "
            "http://10.0.0.7:8000, or http://mock-1:{port} with --port 0"
        )


def check_results(place: str | None, *, redirected: bool) -> None:
    """Raises StartupError for the URL of something that is no object store, and for redirects without one."""
    is_url = place is not None and "://" in place
    if is_url and not re.fullmatch(r"(s3|gs|az)://[A-Za-z0-9._-]+(/(?!\.{1,2}(/|$))[A-Za-z0-9._=-]+)*/?", place or ""):
        raise StartupError(
            f"--results is {place!r}; expected a folder, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix,"
            " for example --results s3://results/mock"
        )
    if redirected and not is_url:
        raise StartupError(
            f"--results-redirect needs an object store, which signs URLs, and --results is {place!r}; give for example "
            "--results s3://bucket/prefix"
        )


def parse_state(value: str | None) -> Path | DatabaseUrl | None:
    """Returns the folder or the database of `--state`."""
    if value is None:
        return None
    return DatabaseUrl(value) if value.startswith(("postgresql:", "postgres:")) else Path(value)


def parse_moment(text: str, *, flag: str) -> int:
    """Parses an ISO date or date-time to microseconds UTC; without an offset it is UTC. Raises StartupError."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise StartupError(f"{flag} is {text!r}; expected a date like 2025-01-01 or 2025-01-01T12:00:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise StartupError(f"{flag} is {text!r}; expected a date in the years {FIRST_YEAR} to {LAST_YEAR}")
    return int(moment.timestamp()) * MICROSECONDS + moment.microsecond


def parse_date(text: str, *, flag: str) -> datetime.date:
    """Parses a calendar date, YYYY-MM-DD. Raises StartupError."""
    error = StartupError(f"{flag} is {text!r}; expected a date like 2023-06-30")
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):  # fromisoformat also takes 20230630 and 2023-W26-5
        raise error
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise error from None
