"""Worlds generated once and copied: a prepared world is a settled SQLite file in the user's cache folder.

Its name holds everything it depends on: our version, a checksum of the generator's source and word tables, the
scenario's content, seed and end. It is renamed into place, so a reader finds all of it or nothing.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import functools
import hashlib
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from mockserver import __version__
from mockserver.errors import ResourceFailed
from mockserver.folders import TemporaryFolder
from mockserver.generate.fixtures import find_fixtures
from mockserver.generate.scenario_files import find, find_built_in, read_text
from mockserver.settings import check_seed, parse_moment
from mockserver.world.clock import DAY
from mockserver.world.record import Record
from mockserver.world.records.data_rows import DataRow
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Store

if TYPE_CHECKING:
    from mockserver.generate.plans import Scenario

LOG = logging.getLogger(__name__)
Watch = Callable[[int], AbstractContextManager[Callable[[int], None]]]
"""Called with the number of data rows of a world; gives a function that is called with each number of new ones."""
_SOURCES = (".py", ".sql", ".txt", ".toml")
_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watch_progress(watch: Watch) -> Iterator[None]:
    """Calls `watch` for every large world that is generated inside this context."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)


def prepare_world(name: str, *, seed: int, ends: str | None, cache: Path) -> SqliteDatabase:
    """The generated world of a scenario, from the cache or generated now. Raises ScenarioError, StartupError."""
    check_seed(seed)
    file = find(name)
    text = read_text(file)
    end = find_end(text, str(file), ends)
    path = cache / "worlds" / f"{build_cache_key(file.stem, text, seed, end)}.sqlite"
    if path.exists():
        return SqliteDatabase(path)
    plan = parse_scenario(text, str(file))
    end = resolve_end(plan, ends) if end is None else end
    try:
        build_world(plan, path, name=file.stem, seed=seed, ends=end)
    except (OSError, ResourceFailed) as error:  # a cache that cannot be written is no reason not to serve
        LOG.warning("the world is not kept for the next start, because the cache cannot be written: %s", error)
        path = make_temporary_cache() / path.name
        build_world(plan, path, name=file.stem, seed=seed, ends=end)
    return SqliteDatabase(path)


@functools.cache
def make_temporary_cache() -> Path:
    """A folder for worlds that cannot be kept, which is removed with the process."""
    folder = TemporaryFolder()
    atexit.register(folder.close)
    return folder.path


def parse_scenario(text: bytes, source: str) -> Scenario:
    """The scenario in a text. Raises ScenarioError."""
    from mockserver.generate import scenario  # noqa: PLC0415  a server whose world is prepared starts without

    return scenario.parse(text, source=source)


def find_end(text: bytes, source: str, ends: str | None) -> int | None:
    """When the history of a scenario with this text ends; None at its own end, for which the text need not be parsed.

    Raises ScenarioError, StartupError.
    """
    if ends is None:
        return None
    return resolve_end(parse_scenario(text, source), ends) if ends == "now" else parse_moment(ends, flag="--ends")


def resolve_end(plan: Scenario, ends: str | None) -> int:
    """When the history ends, in microseconds UTC. "now" moves the scenario's own moment by whole days to today."""
    if ends is None:
        return plan.ends_at
    if ends != "now":
        return parse_moment(ends, flag="--ends")
    return plan.ends_at + (time.time_ns() // 1000 - plan.ends_at) // DAY * DAY


def build_world(plan: Scenario, path: Path, *, name: str, seed: int, ends: int) -> None:
    """Generates a world into a file beside `path`, settles it, and renames it."""
    from mockserver.generate import history, worker  # noqa: PLC0415  a server whose world is prepared starts without

    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK):  # SQLite would only say that it cannot open a file
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path.parent))
    _remove_old_parts(path.parent)
    half = SqliteDatabase(path.with_name(f"{path.name}.{secrets.token_hex(6)}.part"))
    workspace, pieces = history.build_world(plan, name=name, seed=seed, ends=ends)
    if (rows := count_data_rows(plan)) >= worker.LARGE:
        pieces = count_progress(worker.generate_batches(plan, seed=seed, ends=ends), rows)
    try:
        Store.create(half, workspace, pieces).close()
        half.settle()
        half.path.replace(path)
    finally:
        for leftover in path.parent.glob(f"{half.path.name}*"):
            leftover.unlink()


def _remove_old_parts(folder: Path) -> None:
    """Removes the unfinished files of processes that were killed. No world takes a day to generate."""
    for part in folder.glob("*.part*"):
        with contextlib.suppress(OSError):  # another process removed it
            if time.time() - part.stat().st_mtime > 24 * 3600:
                part.unlink()


def count_progress(pieces: Iterator[list[Record]], rows: int) -> Iterator[list[Record]]:
    """The same batches; the watcher is called with the number of data rows in each."""
    watch = _WATCH.get()
    if watch is None:
        yield from pieces
        return
    with watch(rows) as done:
        for piece in pieces:
            yield piece
            done(sum(isinstance(record, DataRow) for record in piece))


def count_data_rows(plan: Scenario) -> int:
    """The number of data rows of its world."""
    return sum(project.rows for project in plan.projects if project.rows_of is None)


def build_cache_key(name: str, text: bytes, seed: int, end: int | None) -> str:
    """The name of the cached file. `text` is that of the scenario."""
    total = hashlib.blake2b(digest_size=12)
    for path in _list_sources():
        total.update(path.rpartition(os.sep)[2].encode() + b"\0")
        with open(path, "rb", buffering=0) as source:  # noqa: PTH123  a text
            total.update(source.read())
    total.update(text)
    return f"{__version__}-{name[:60]}-{seed}-{'own' if end is None else end}-{total.hexdigest()}"


def _list_sources() -> list[str]:
    """The files that a generated world depends on beside its scenario, which can be like a built-in one.

    As texts, and not as paths: each start lists them, and paths take three times as long.
    """
    package = Path(__file__).parent.parent
    folders = (package / "generate", package / "world", find_fixtures() / "words", find_built_in())
    files = ((root, name) for folder in folders for root, _, names in os.walk(folder) for name in names)
    return sorted(f"{root}{os.sep}{name}" for root, name in files if name.endswith(_SOURCES))
