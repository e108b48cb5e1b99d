"""The workspaces of this server by API key: made from a scenario, forked, reset, deleted."""

from __future__ import annotations

import logging
import shutil
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from mockserver.api.long_changes import LongChanges
from mockserver.errors import (
    AuthenticationFailed,
    BadInput,
    Conflict,
    LinkRefused,
    NotFound,
    StartupError,
    nearest,
    quoted,
)
from mockserver.exports.legacy.files import LegacyFiles
from mockserver.exports.space import Space
from mockserver.exports.tasks import Exports
from mockserver.generate.prepared import prepared_world
from mockserver.links import Links
from mockserver.webhooks.announcing import Announcer
from mockserver.webhooks.courier import Courier
from mockserver.world.deliveries import Deliveries
from mockserver.world.ids import digest
from mockserver.world.progression import shown
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import GENERATED, Store
from mockserver.world.store import Workspace as World

LOG = logging.getLogger(__name__)
MOST_NOTED = 100


class Origin(msgspec.Struct, frozen=True):
    """What a workspace was made from, and what a reset makes it from again."""

    scenario: str = "default"
    seed: int = 0
    ends: str | None = None
    payload_date: str | None = None
    """None: as the scenario says, or as the world it is forked from. So are switches that are not named."""
    switches: dict[str, str] = {}
    forked: bool = False


class Workspace:
    """One API key's world, and the parts that serve it, for one life: a reset makes a new one."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        threads: ThreadPoolExecutor,
        space: Space,
        courier: Courier,
        url: str,
    ) -> None:
        """`url` is scheme and host of the URLs in webhook bodies."""
        self.store = store
        self.folder = folder
        self.world: World = store.workspace
        self.api_key = self.world.name
        self.links = Links.of(self.api_key, self.world.seed)
        self.exports = Exports(store, self.links, folder / "results", threads, space)
        self.legacy = LegacyFiles(store, self.links, folder / "legacy", threads, space)
        self.long_changes = LongChanges()
        self.deliveries = Deliveries(store)
        self.announcer = Announcer(store, self.links, url)
        store.before_commit = self.announcer.before_commit
        self._courier = courier
        courier.attach(store)
        self._looks: Counter[str] = Counter()
        self._asked: dict[str, int] = {}

    def processed(self, question: str, *, since: int | None = None) -> bool:
        """Whether what `question` asks about is done, as the pace of processing lets it be seen.

        Without a start of its own it began when it was first asked about.
        """
        pace = self.store.progression.processing
        now = self.store.clock.now()
        elapsed = now - (self._asked.setdefault(question, now) if since is None else since)
        if shown(pace, looks=self._looks[question], elapsed=elapsed) >= 1:
            return True
        self._looks[question] += 1
        return False

    def settle(self, seconds: float) -> bool:
        """Wait until no webhook is due, at most so long; whether it came so far."""
        return self._courier.wait_until_settled(self.store, seconds)

    def back_up(self, path: Path) -> None:
        """A copy of its world as it is now."""
        SqliteDatabase(self.folder / "world.sqlite").back_up(path)

    def close(self) -> None:
        """Stop what runs in it. Its files stay."""
        self._courier.detach(self.store)
        self.exports.close()
        self.legacy.close()
        self.store.close()


class Workspaces:
    """All of them, each in a folder of its own: `origin.json`, for forks `origin.sqlite`, and the current life."""

    def __init__(
        self,
        folder: Path,
        threads: ThreadPoolExecutor,
        courier: Courier,
        *,
        space: Space,
        cache: Path,
        origin: Origin,
        durable: bool,
        any_key: bool,
        url: str,
    ) -> None:
        self._space = space
        self._folder, self._threads, self._courier, self._cache, self._url = folder, threads, courier, cache, url
        self._origin, self._durable, self._any_key = origin, durable, any_key
        self._by_key: dict[str, Workspace] = {}
        self._by_slug: dict[str, Workspace] = {}
        self._prepared: dict[tuple[str, int, str | None], SqliteDatabase] = {}
        self._refused: set[str] = set()
        self._lock = threading.RLock()

    # Finding

    def keys(self) -> list[str]:
        return list(self._by_key)

    def all(self) -> list[Workspace]:
        return list(self._by_key.values())

    def has(self, api_key: str) -> bool:
        return api_key in self._by_key

    def named(self, api_key: str) -> Workspace:
        """Raises NotFound."""
        workspace = self._by_key.get(api_key)
        if workspace is None:
            known = quoted(nearest(api_key, self._by_key))
            raise NotFound(f"There is no workspace with the API key {api_key!r}; the nearest known are {known}")
        return workspace

    def linked(self, slug: str) -> Workspace | None:
        """The workspace whose links carry this slug."""
        return self._by_slug.get(slug)

    def of_token(self, token: str) -> Workspace:
        """The workspace whose exports gave out this mask token, which does not say whose it is. Raises LinkRefused."""
        for workspace in list(self._by_key.values()):
            if workspace.links.made_token(token):
                workspace.links.check_mask_token(token, now=workspace.store.clock.now())
                return workspace
        raise LinkRefused("This mask's token was changed; use the URL exactly as the export gave it")

    def authenticated(self, authorization: str | None) -> Workspace:
        """The workspace of an Authorization header: `Bearer KEY`, or the bare key as Postman walk-throughs paste it.

        Raises AuthenticationFailed, saying what came without repeating the key.
        """
        if not authorization:
            raise AuthenticationFailed("No API key came; send the header 'Authorization: Bearer YOUR_KEY'")
        scheme, _, rest = authorization.partition(" ")
        key = rest.strip() if scheme.lower() == "bearer" else authorization.strip()
        if workspace := self._by_key.get(key):
            return workspace
        if self._any_key and key:
            with self._lock:
                return self._by_key.get(key) or self.create(key)
        self._note_refused(key)
        raise AuthenticationFailed(
            f"No workspace has the API key that came ({len(key)} characters); the server's own key is printed when it "
            "starts, others are made by POST /_mock/workspaces: send 'Authorization: Bearer YOUR_KEY'"
        )

    def _note_refused(self, key: str) -> None:
        """Once for each key, without it: SDKs hide the answer's words behind their own "Invalid API key"."""
        if key not in self._refused and len(self._refused) < MOST_NOTED:
            self._refused.add(key)
            LOG.warning("refused an API key of %s characters that names no workspace", len(key))

    # Changing

    def open_all(self) -> None:
        """The workspaces that a state folder holds from an earlier run."""
        for origin in sorted(self._folder.glob("*/origin.json")):
            for life in sorted(origin.parent.glob("*/world.sqlite"), reverse=True):
                self._reopen(life)

    def _reopen(self, life: Path) -> None:
        """The newest life that was begun; what a crash left half-made, or left over, is removed."""
        store = Store.open(SqliteDatabase(life, durable=self._durable))
        store.check_tables()
        world = store.workspace
        if world.incarnation == GENERATED or world.name in self._by_key:
            store.close()
            shutil.rmtree(life.parent, ignore_errors=True)
        else:
            self._begin(store, life.parent)

    def create(self, api_key: str, origin: Origin | None = None, *, incarnation: str | None = None) -> Workspace:
        """A workspace from a scenario. Raises Conflict, BadInput."""
        with self._lock:
            chosen = origin or self._origin
            source = self._generated(chosen)
            return self._make(api_key, chosen, source, incarnation)

    def fork(
        self, api_key: str, source_key: str, changed: Origin | None = None, *, incarnation: str | None = None
    ) -> Workspace:
        """A workspace that begins with the world of another as it is now; no tasks, no results, its clock set alike."""
        with self._lock:
            source = self.named(source_key)
            self._check_free(api_key)
            home = self._home(api_key)
            source.back_up(home / "origin.sqlite")
            world = source.world
            origin = msgspec.structs.replace(changed or Origin(), scenario=world.scenario, seed=world.seed, forked=True)
            return self._make(api_key, origin, SqliteDatabase(home / "origin.sqlite"), incarnation)

    def reset(self, api_key: str, *, incarnation: str | None = None) -> Workspace:
        """The world as it was when the workspace was made, in a new life: no id of the old one comes again."""
        with self._lock:
            workspace = self.named(api_key)
            home = self._home(workspace.api_key)
            origin = msgspec.json.decode((home / "origin.json").read_bytes(), type=Origin)
            source = SqliteDatabase(home / "origin.sqlite") if origin.forked else self._generated(origin)
            fresh = self._live(workspace.api_key, origin, source, incarnation)
            workspace.close()
            shutil.rmtree(workspace.folder, ignore_errors=True)
            self._space.free(workspace.folder)
            return fresh

    def delete(self, api_key: str) -> None:
        """Everything of it, files too."""
        with self._lock:
            workspace = self.named(api_key)
            del self._by_key[workspace.api_key]
            del self._by_slug[workspace.links.workspace]
            workspace.close()
            shutil.rmtree(self._home(workspace.api_key), ignore_errors=True)
            self._space.free(workspace.folder)

    def close(self) -> None:
        for workspace in self._by_key.values():
            workspace.close()

    def _make(self, api_key: str, origin: Origin, source: SqliteDatabase, incarnation: str | None) -> Workspace:
        self._check_free(api_key)
        home = self._home(api_key)
        home.mkdir(parents=True, exist_ok=True)
        (home / "origin.json").write_bytes(msgspec.json.encode(origin))
        return self._live(api_key, origin, source, incarnation)

    def _live(self, api_key: str, origin: Origin, source: SqliteDatabase, incarnation: str | None) -> Workspace:
        """Copy a world and begin a life with it."""
        home = self._home(api_key)
        number = 1 + max((int(path.parent.name) for path in home.glob("*/world.sqlite")), default=0)
        database = SqliteDatabase(home / f"{number:08}" / "world.sqlite", durable=self._durable)
        source.copy_to(database.path)
        store = Store.open(database)
        store.begin_life(name=api_key, incarnation=incarnation)
        if origin.payload_date is not None:
            store.set_payload_date(origin.payload_date)
        if origin.switches:
            store.set_switches(msgspec.structs.replace(store.switches, **origin.switches))
        return self._begin(store, database.path.parent)

    def _begin(self, store: Store, folder: Path) -> Workspace:
        workspace = Workspace(store, folder, self._threads, self._space, self._courier, self._url)
        self._by_key[workspace.api_key] = workspace
        self._by_slug[workspace.links.workspace] = workspace
        return workspace

    def _generated(self, origin: Origin) -> SqliteDatabase:
        """The prepared world, looked up once: a workspace for each test is made from the same few."""
        world = (origin.scenario, origin.seed, origin.ends)
        known = self._prepared.get(world)
        if known is not None and known.path.exists():
            return known
        try:
            made = prepared_world(origin.scenario, seed=origin.seed, ends=origin.ends, cache=self._cache)
        except StartupError as error:
            raise BadInput(str(error)) from error
        return self._prepared.setdefault(world, made)

    def _check_free(self, api_key: str) -> None:
        if api_key in self._by_key:
            raise Conflict(
                f"There is a workspace with the API key {api_key!r} already; delete it or choose another key"
            )

    def _home(self, api_key: str) -> Path:
        """A key may hold any character, so its folder is a hash of it."""
        return self._folder / digest("home", api_key, size=16).hex()
