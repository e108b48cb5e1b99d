"""Laws of each storage: folders with SQLite files, and rows of PostgreSQL."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract_tests.databases import empty, open_catalog
from mockserver.errors import Conflict, NotFound, ResourceFailed
from mockserver.faults.armed import ActiveFaults
from mockserver.generate.prepared import prepare_world
from mockserver.journal.journal import Journals
from mockserver.results.budget import Budget
from mockserver.storage.folder_storage import FolderStorage
from mockserver.storage.interface import GetHooks, Life, Storage, new_manifest
from mockserver.storage.manifest import Origin
from mockserver.storage.postgres_storage import PostgresStorage
from mockserver.storage.worlds import Worlds
from mockserver.webhooks.dispatcher import Dispatcher
from mockserver.webhooks.targets import Allowed
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.registry import Registry
from mockserver.workspaces.workspace import Parts, Workspace, store_hooks
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.postgres.catalog import Catalog
from mockserver.world.records.projects import Project
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Hooks

Open = Callable[[GetHooks], Storage]
"""Opens one storage, as each server does that starts on it."""
KEYS = ("a", "b", "c")
RESULT = "exports/task/data/0.ndjson"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabase:
    return prepare_world("empty", seed=0, ends=None, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def storage_catalog() -> Iterator[Catalog]:
    with open_catalog() as catalog:
        yield catalog


@pytest.fixture(params=["folder", "kept folder", "postgres"])
def new_storage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Open]:
    """Creates a storage that is empty until it is opened."""
    if request.param != "postgres":
        durable = request.param == "kept folder"
        return lambda: partial(FolderStorage, tmp_path_factory.mktemp("storage"), durable=durable)
    catalog = request.getfixturevalue("storage_catalog")
    return lambda: partial(PostgresStorage, empty(catalog).pool)


@dataclass(frozen=True)
class Known:
    """The projects that a workspace must have, those that a reset returns to, and whether it has results."""

    projects: frozenset[str] = frozenset()
    origin: frozenset[str] = frozenset()
    has_result: bool = False


@dataclass
class User:
    """Uses a storage as the lifecycle does, and knows what every workspace must be."""

    open: Open
    world: SqliteDatabase
    known: dict[str, Known] = field(default_factory=dict)
    lives: dict[str, Life] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    """The names of all lives until now."""
    incarnations: set[str] = field(default_factory=set)
    number: int = 0

    def __post_init__(self) -> None:
        self.storage = self.open(lambda _: Hooks())

    def create(self, key: str, _other: str) -> None:
        manifest = new_manifest(key, Origin("empty"), incarnation=None)
        if key in self.known:
            with pytest.raises(Conflict):
                self.storage.create(manifest, lambda: self.world)
            return
        self._keep(self.storage.create(manifest, lambda: self.world), Known())

    def fork(self, key: str, other: str) -> None:
        if other not in self.known:
            return
        manifest = new_manifest(key, Origin("empty", forked=True), incarnation=None)
        if key in self.known:
            with pytest.raises(Conflict):
                self.storage.fork(manifest, self.lives[other])
            return
        projects = self.known[other].projects
        self._keep(self.storage.fork(manifest, self.lives[other]), Known(projects, projects))

    def _keep(self, life: Life, known: Known) -> None:
        assert life.manifest.life not in self.names
        assert life.store.workspace.incarnation not in self.incarnations
        self.names.add(life.manifest.life)
        self.incarnations.add(life.store.workspace.incarnation)
        self.known[life.manifest.api_key], self.lives[life.manifest.api_key] = known, life

    def change(self, key: str, _other: str) -> None:
        if key in self.known:
            self.number += 1
            CatalogChanges(self.lives[key].store).create_project(name=f"project {self.number}")
            known = self.known[key]
            self.known[key] = replace(known, projects=known.projects | {f"project {self.number}"})

    def export(self, key: str, _other: str) -> None:
        if key in self.known and not self.known[key].has_result:
            file = self.lives[key].results.create(RESULT)
            file.write(key.encode())
            file.close()
            self.known[key] = replace(self.known[key], has_result=True)

    def reset(self, key: str, _other: str) -> None:
        if key in self.known:
            former = self.lives[key]
            life = self.storage.prepare_next_life(former, None, lambda: self.world)
            self.storage.serve(life)
            former.store.close()
            self.storage.remove_earlier_lives(life)
            self._keep(life, Known(self.known[key].origin, self.known[key].origin))

    def abandon(self, key: str, _other: str) -> None:
        """Prepares a reset that is not made."""
        if key in self.known:
            self.storage.abandon(self.storage.prepare_next_life(self.lives[key], None, lambda: self.world))

    def fail(self, key: str, _other: str) -> None:
        """Resets or creates a workspace whose world cannot be generated."""
        if key in self.known and not self.lives[key].manifest.origin.forked:
            with pytest.raises(ResourceFailed):
                self.storage.prepare_next_life(self.lives[key], None, fail_to_generate)
        elif key not in self.known:
            with pytest.raises(ResourceFailed):
                self.storage.create(new_manifest(key, Origin("empty"), incarnation=None), fail_to_generate)

    def delete(self, key: str, _other: str) -> None:
        if key in self.known:
            self.storage.delete(key, close=self.lives.pop(key).store.close)
            del self.known[key]

    def restart(self, _key: str, _other: str) -> None:
        """Closes the worlds, and opens the storage again."""
        self.close()
        self.storage = self.open(lambda _: Hooks())
        assert self.storage.count() == len(self.known)
        for life in self.storage.open_all():
            assert isinstance(life, Life), life
            self.lives[life.manifest.api_key] = life

    def close(self) -> None:
        for life in self.lives.values():
            life.store.close()
        self.lives.clear()

    def check(self) -> None:
        assert self.lives.keys() == self.known.keys()
        for key, life in self.lives.items():
            assert (life.manifest.api_key, life.store.workspace.name) == (key, key)
            known = self.known[key]
            assert list_projects(life) == known.projects
            assert [life.results.size(RESULT)] == [1] if known.has_result else life.results.list("exports") == []


def fail_to_generate() -> SqliteDatabase:
    raise ResourceFailed("No space left on the disk of /cache")


def list_projects(life: Life) -> set[str]:
    with life.store.reading() as connection:
        return {project.name for project in connection.select(Project)}


OPERATIONS = (
    User.create, User.create, User.fork, User.fork, User.change, User.change, User.export, User.reset, User.reset,
    User.abandon, User.fail, User.delete, User.restart,
)  # fmt: skip
STEPS = st.lists(
    st.tuples(st.sampled_from(OPERATIONS), st.sampled_from(KEYS), st.sampled_from(KEYS)), min_size=4, max_size=14
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_is_done_each_workspace_keeps_its_own_world_and_results(
    new_storage: Callable[[], Open], world: SqliteDatabase, steps: list[tuple[Callable[..., None], str, str]]
) -> None:
    user = User(new_storage(), world)
    try:
        for operation, key, other in [(User.create, "a", "a"), *steps, (User.restart, "a", "a")]:
            operation(user, key, other)
            user.check()
    finally:
        user.close()


def test_an_earlier_life_is_served_until_the_next_one_is(
    new_storage: Callable[[], Open], world: SqliteDatabase
) -> None:
    """A server that is killed between the two steps of a reset finds the life that was served."""
    user = User(new_storage(), world)
    user.create("a", "a")
    user.change("a", "a")
    user.storage.prepare_next_life(user.lives["a"], None, lambda: world).store.close()
    user.restart("a", "a")
    user.check()
    user.close()


def test_forks_of_an_unchanged_world_share_the_file_that_their_resets_go_back_to(
    world: SqliteDatabase, tmp_path: Path
) -> None:
    user = User(partial(FolderStorage, tmp_path, durable=False), world)
    user.create("a", "a")
    for key, number_of_files in (("b", 1), ("c", 1), ("d", 2)):
        user.fork(key, "a")
        origins = [path.stat().st_ino for path in tmp_path.glob("*/origin.sqlite")]
        assert len(set(origins)) == number_of_files
        user.change(key, key)
        if key == "c":
            user.change("a", "a")
    user.delete("a", "a")
    for key in ("b", "c", "d"):
        user.reset(key, key)
    user.check()
    user.close()


@pytest.fixture
def workspaces(new_storage: Callable[[], Open], tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Workspaces]:
    """Builds the lifecycle of workspaces on one storage, as each server does."""
    open_storage, cache = new_storage(), tmp_path_factory.mktemp("cache")

    def build() -> Workspaces:
        journals = Journals(most_entries=1, most_bytes=1, most_body=1)
        parts = Parts(
            ThreadPoolExecutor(1), Budget(10**9), Dispatcher(Allowed()), journals, ActiveFaults(), "http://127.0.0.1"
        )
        storage = open_storage(partial(store_hooks, parts=parts))
        return Workspaces(Registry(), storage, Worlds(cache), parts, origin=Origin("empty"), any_key=False, most=100)

    return build


def list_workspaces(workspaces: Workspaces) -> dict[str, set[str]]:
    return {workspace.api_key: list_projects(workspace.life) for workspace in workspaces.registry.all()}


def test_the_lifecycle_of_workspaces_needs_nothing_but_the_interface(workspaces: Callable[[], Workspaces]) -> None:
    async def run(server: Workspaces) -> None:
        source = server.create_now("source")
        source.catalog.create_project(name="before")
        fork = await server.fork("fork", "source")
        fork.catalog.create_project(name="in the fork")
        source.catalog.create_project(name="after")
        other: Workspace = await server.create("other")
        other.catalog.create_project(name="lost")
        assert list_workspaces(server) == {
            "source": {"before", "after"}, "fork": {"before", "in the fork"}, "other": {"lost"},
        }  # fmt: skip
        await server.reset("fork")
        await server.reset("other")
        await server.delete("source")
        with pytest.raises(NotFound):
            await server.reset("source")

    first = workspaces()
    asyncio.run(run(first))
    before = list_workspaces(first)
    assert before == {"fork": {"before"}, "other": set()}
    first.close()
    second = workspaces()
    assert second.open_all() == []
    assert list_workspaces(second) == before
    second.close()
