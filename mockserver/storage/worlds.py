"""Generated worlds that workspaces are copied from, in the cache folder: each is looked up and generated only once."""

from __future__ import annotations

import asyncio
import shutil
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import apsw

from mockserver.errors import BadInput, StartupError
from mockserver.generate.prepared import prepare_world
from mockserver.storage.manifest import Origin
from mockserver.storage.world_files import CHECKED_WHOLE
from mockserver.world.database import Database
from mockserver.world.sqlite import SqliteDatabase

WorldKey = tuple[str, int, str | None]
"""Scenario, seed and end."""
Stamp = tuple[int, int, int]
KEPT = 256
"""Worlds whose files are remembered. Others are looked up in the cache folder again."""
GENERATORS = 2
"""Worlds that are generated at the same time, in threads of their own: generating can take minutes."""


class CheckedWorld(NamedTuple):
    """A world that was found undamaged, and its file's stamp at that time."""

    world: SqliteDatabase
    stamp: Stamp | None


class Worlds:
    """The generated worlds of one server. They are SQLite files, whatever keeps the workspaces."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._checked: OrderedDict[WorldKey, CheckedWorld] = OrderedDict()
        self._pending: dict[WorldKey, asyncio.Future[Database]] = {}
        self._threads = ThreadPoolExecutor(GENERATORS, thread_name_prefix="generate")

    async def prepare(self, origin: Origin) -> None:
        """Generates the world of an origin if needed. Callers that need the same world wait together.

        Raises BadInput.
        """
        key = (origin.scenario, origin.seed, origin.ends)
        if self._recall(key) is not None:
            return
        pending = self._pending.get(key)
        if pending is None:
            loop = asyncio.get_running_loop()
            pending = loop.run_in_executor(self._threads, self.get, origin)
            self._pending[key] = pending
            pending.add_done_callback(lambda _: self._pending.pop(key, None))
        await asyncio.shield(pending)

    def get(self, origin: Origin) -> Database:
        """The world of an origin, generated in the calling thread if its file is missing or damaged.

        Raises BadInput.
        """
        key = (origin.scenario, origin.seed, origin.ends)
        if (world := self._recall(key)) is not None:
            return world
        try:
            world = self._find_or_generate(origin)
            if is_damaged(world):
                remove(world.path)
                world = self._find_or_generate(origin)
        except StartupError as error:
            raise BadInput(str(error)) from error
        self._checked[key] = CheckedWorld(world, _stamp_of(world.path))
        while len(self._checked) > KEPT:
            self._checked.popitem(last=False)
        return world

    def _find_or_generate(self, origin: Origin) -> SqliteDatabase:
        return prepare_world(origin.scenario, seed=origin.seed, ends=origin.ends, cache=self._cache)

    def _recall(self, key: WorldKey) -> SqliteDatabase | None:
        """A world whose file has not changed since it was found undamaged."""
        checked = self._checked.get(key)
        return checked.world if checked is not None and checked.stamp == _stamp_of(checked.world.path) else None

    def close(self) -> None:
        """Returns immediately: a world that is being generated is kept in the cache or lost."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def is_damaged(world: SqliteDatabase) -> bool:
    """Whether a world in the cache cannot be used. Large ones are not read whole (`CHECKED_WHOLE`)."""
    try:
        return world.find_damage(whole=world.path.stat().st_size <= CHECKED_WHOLE) is not None
    except apsw.Error:
        return True


def remove(path: Path) -> None:
    """Removes a damaged world, or whatever has taken its place. Raises BadInput if it cannot be removed."""
    try:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(f"{path} is damaged and cannot be removed ({error.strerror}); remove it by hand") from None


def _stamp_of(path: Path) -> Stamp | None:
    """Values that change with every change of a file; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns)
