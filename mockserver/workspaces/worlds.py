"""Generated worlds that workspaces are copied from: looked up once, generated once, however many ask."""

from __future__ import annotations

import asyncio
import shutil
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import apsw

from mockserver.errors import BadInput, StartupError
from mockserver.generate.prepared import prepare_world
from mockserver.workspaces.damage import CHECKED_WHOLE
from mockserver.workspaces.manifest import Origin
from mockserver.world.sqlite import SqliteDatabase

Which = tuple[str, int, str | None]
"""Scenario, seed and end."""
Stamp = tuple[int, int, int]
KEPT = 256
"""Worlds whose files are remembered. Another is looked up in the cache folder again."""
GENERATORS = 2
"""Worlds that are generated at the same time, in threads of their own: it can take minutes, and nobody else waits."""


class Known(NamedTuple):
    """A world that was found whole, and its file's stamp then."""

    world: SqliteDatabase
    stamp: Stamp | None


class Worlds:
    """The generated worlds of one server, in its cache folder."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._known: OrderedDict[Which, Known] = OrderedDict()
        self._being_made: dict[Which, asyncio.Future[SqliteDatabase]] = {}
        self._threads = ThreadPoolExecutor(GENERATORS, thread_name_prefix="generate")

    async def find(self, origin: Origin) -> SqliteDatabase:
        """The world of an origin, generated if need be; whoever asks meanwhile gets the same. Raises BadInput."""
        which = (origin.scenario, origin.seed, origin.ends)
        if (known := self._remembered(which)) is not None:
            return known
        making = self._being_made.get(which)
        if making is None:
            loop = asyncio.get_running_loop()
            making = loop.run_in_executor(self._threads, self.find_now, origin)
            self._being_made[which] = making
            making.add_done_callback(lambda _: self._being_made.pop(which, None))
        return await asyncio.shield(making)

    def find_now(self, origin: Origin) -> SqliteDatabase:
        """As `find`, in the calling thread. Raises BadInput."""
        which = (origin.scenario, origin.seed, origin.ends)
        if (known := self._remembered(which)) is not None:
            return known
        try:
            world = self._prepare(origin)
            if is_damaged(world):
                remove(world.path)
                world = self._prepare(origin)
        except StartupError as error:
            raise BadInput(str(error)) from error
        self._known[which] = Known(world, _stamp(world.path))
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return world

    def _prepare(self, origin: Origin) -> SqliteDatabase:
        return prepare_world(origin.scenario, seed=origin.seed, ends=origin.ends, cache=self._cache)

    def _remembered(self, which: Which) -> SqliteDatabase | None:
        """A world whose file nobody has changed since it was found whole."""
        known = self._known.get(which)
        return known.world if known is not None and known.stamp == _stamp(known.world.path) else None

    def copier(self, origin: Origin) -> Callable[[Path], None]:
        """How to copy the world of an origin to a path; where its file was lost or changed it is generated anew."""
        return lambda path: self.find_now(origin).copy_to(path)

    def close(self) -> None:
        """Wait for nothing: what is being generated goes to the cache or is lost."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def is_damaged(world: SqliteDatabase) -> bool:
    """Whether a world in the cache cannot be used. Large ones are not read whole (see `CHECKED_WHOLE`)."""
    try:
        return world.find_damage(whole=world.path.stat().st_size <= CHECKED_WHOLE) is not None
    except apsw.Error:
        return True


def remove(path: Path) -> None:
    """Remove a damaged world, or whatever stands in its place. Raises BadInput where that cannot be done."""
    try:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(f"{path} is damaged and cannot be removed ({error.strerror}); remove it by hand") from None


def _stamp(path: Path) -> Stamp | None:
    """What changes with every change of a file; None where it is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns)
