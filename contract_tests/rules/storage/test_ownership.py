"""Servers that share a database: each workspace has one owner, and no other server can change it."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import psycopg
import pytest

from contract_tests.databases import create_database
from contract_tests.waiting import wait_for
from mockserver.errors import Conflict, ResourceFailed, StartupError
from mockserver.generate.prepared import prepare_world
from mockserver.links import Links
from mockserver.storage.interface import Life, Remote, new_manifest
from mockserver.storage.manifest import Origin, name_home
from mockserver.storage.postgres_storage import PostgresStorage
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.changes.deliveries import Deliveries
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.changes.tasks import TaskChanges
from mockserver.world.migrations import CHECKSUMS
from mockserver.world.postgres import members
from mockserver.world.postgres.migration import prepare
from mockserver.world.postgres.pool import Pool, open_connection
from mockserver.world.postgres.tables import DATA
from mockserver.world.postgres.transactions import begin_as_member
from mockserver.world.record import JsonText
from mockserver.world.records.projects import Project
from mockserver.world.records.tasks import EXPORT
from mockserver.world.records.webhooks import Delivery, DeliveryState
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Hooks

RESULT = "exports/task/data/0.ndjson"
WAITED_SECONDS = 60
"""Seconds for which a statement may wait for another server, before it fails."""


class Server(NamedTuple):
    """One of the servers of a database, as far as its workspaces are concerned."""

    number: int
    pool: Pool
    storage: PostgresStorage
    raw: psycopg.Connection
    """Holds the lock of its number."""

    def open(self, key: str) -> Life:
        life = self.storage.open(name_home(key))
        assert isinstance(life, Life), life
        return life


class Servers:
    """The servers of one database."""

    def __init__(self, world: SqliteDatabase) -> None:
        self.dsn, self.world = create_database(), world
        with psycopg.connect(self.dsn, autocommit=True) as raw:
            prepare(raw)
        self._stack = contextlib.ExitStack()
        self.watch = self._stack.enter_context(psycopg.connect(self.dsn, autocommit=True))

    def join(self, name: str) -> Server:
        raw = self._stack.enter_context(contextlib.closing(open_connection(self.dsn, "mockserver-watch")))
        prepare(raw)
        pool = self._stack.enter_context(contextlib.closing(Pool(self.dsn, most=8)))
        pool.replace_number(members.join(raw, name, f"http://{name}"))
        assert pool.number is not None
        return Server(pool.number, pool, PostgresStorage(pool, lambda _: Hooks()), raw)

    def create(self, server: Server, key: str) -> Life:
        return server.storage.create(new_manifest(key, Origin("empty"), incarnation=None), lambda: self.world)

    def silence(self, server: Server, seconds: float) -> None:
        """Makes the last heartbeat of a server older."""
        self.watch.execute(
            f"UPDATE {DATA}.replica SET heartbeat = clock_timestamp() - make_interval(secs => {seconds})"
            f" WHERE no = {server.number}".encode()
        )

    def declare_dead(self, server: Server) -> None:
        """Lets the others take over what a server owns, which goes on without knowing it."""
        self.silence(server, 60)
        wait_for(lambda: members.remove_dead(self.watch, 0) != [])

    def count(self, table: str) -> int:
        row = self.watch.execute(f"SELECT count(*) FROM {DATA}.{table}".encode()).fetchone()
        assert row is not None
        return int(row[0])

    def close(self) -> None:
        self._stack.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabase:
    return prepare_world("empty", seed=0, ends=None, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture
def servers(world: SqliteDatabase) -> Iterator[Servers]:
    servers = Servers(world)
    yield servers
    servers.close()


def create_project(life: Life, name: str) -> None:
    CatalogChanges(life.store).create_project(name=name)


def list_projects(life: Life) -> set[str]:
    with life.store.reading() as connection:
        return {project.name for project in connection.select(Project)}


# One owner at a time


def test_a_workspace_of_a_living_server_is_not_opened_by_another(servers: Servers) -> None:
    first, second = servers.join("first"), servers.join("second")
    life = servers.create(first, "a")
    owner = Remote(first.number, "http://first")
    assert second.storage.open(name_home("a")) == owner
    links = Links.from_secret(life.manifest.secret)
    token = links.mask_token("user", "organization", now=0)
    for kind, value in (("key", "a"), ("slug", links.workspace), ("token", token)):
        located = second.storage.lookup.locate(kind, value)
        assert located == (name_home("a"), "a", owner)
        assert first.storage.lookup.locate(kind, value) == (name_home("a"), "a", None)
    assert first.storage.lookup.list_keys() == second.storage.lookup.list_keys() == ["a"]
    assert second.storage.lookup.locate("key", "b") is None


def test_a_lost_server_changes_nothing_any_more(servers: Servers) -> None:
    """Neither the world nor its results, manifest and life, also if it does not know that it is lost."""
    first, second = servers.join("first"), servers.join("second")
    lost = servers.create(first, "a")
    create_project(lost, "before")
    unfinished = lost.results.create(RESULT)
    prepared = first.storage.prepare_next_life(lost, None, lambda: servers.world)
    servers.declare_dead(first)
    life = second.open("a")
    create_project(life, "after")
    refused: list[Callable[[], object]] = [
        lambda: create_project(lost, "of the lost one"),
        unfinished.close,
        lambda: lost.results.create("other"),
        lambda: first.storage.serve(prepared),
        lambda: first.storage.delete("a"),
        lambda: servers.create(first, "b"),
        lambda: first.storage.open(name_home("a")),
        lambda: first.storage.release(lost),
    ]
    for change in refused:
        with pytest.raises(ResourceFailed):
            change()
    assert list_projects(life) == {"before", "after"}
    assert second.storage.lookup.list_keys() == ["a"]
    life.results.create(RESULT).close()
    lost.results.delete(RESULT)
    assert life.results.size(RESULT) == 0


def test_a_world_that_was_opened_under_an_earlier_number_is_not_read(servers: Servers) -> None:
    """A server that was lost joins again with another number, and opens anew what it owns again."""
    first = servers.join("first")
    life = servers.create(first, "a")
    first.pool.replace_number(None)
    with pytest.raises(ResourceFailed):
        list_projects(life)
    servers.declare_dead(first)
    first.pool.replace_number(members.join(first.raw, "first", "http://first"))
    with pytest.raises(ResourceFailed):
        list_projects(life)
    assert list_projects(first.open("a")) == set()


def test_a_change_that_a_frozen_server_holds_open_does_not_keep_others_from_its_workspace(servers: Servers) -> None:
    first, second = servers.join("first"), servers.join("second")
    lost = servers.create(first, "a")
    with contextlib.suppress(ResourceFailed), lost.store.change() as change:
        change.new_id()
        servers.declare_dead(first)
        create_project(second.open("a"), "after")
    with pytest.raises(ResourceFailed):
        create_project(lost, "of the lost one")
    life = second.open("a")
    assert list_projects(life) == {"after"}


def test_one_of_several_servers_creates_a_workspace(servers: Servers) -> None:
    joined = [servers.join(name) for name in ("first", "second", "third")]

    def create(server: Server) -> Life | None:
        try:
            return servers.create(server, "a")
        except Conflict:
            return None

    with ThreadPoolExecutor(len(joined)) as threads:
        lives = [life for life in threads.map(create, joined) if life is not None]
    assert len(lives) == 1
    assert servers.count("manifest") == 1
    assert servers.count("life") == 2, "the life of the workspace, and the generated world that all share"


# What is left


def test_a_start_removes_what_lost_servers_have_left_and_nothing_of_living_ones(servers: Servers) -> None:
    first, second = servers.join("first"), servers.join("second")
    former = servers.create(first, "a")
    first.storage.prepare_next_life(former, None, lambda: servers.world)
    lives = servers.count("life")
    second.storage.remove_leftovers()
    assert servers.count("life") == lives
    servers.declare_dead(first)
    second.storage.remove_leftovers()
    assert servers.count("life") == lives - 1
    assert list_projects(second.open("a")) == set()


# Who is dead


def test_a_server_whose_process_has_ended_is_dead_after_a_moment(servers: Servers) -> None:
    first = servers.join("first")
    servers.silence(first, members.ORPHANED_SECONDS + 1)
    assert members.remove_dead(servers.watch, 0) == [], "its lock is held"
    first.raw.close()
    wait_for(lambda: members.remove_dead(servers.watch, 0) == [f"first ({first.number})"])


def test_a_server_that_has_lost_a_connection_lives_on(servers: Servers) -> None:
    first = servers.join("first")
    first.raw.close()
    members.beat(servers.watch, first.number)
    assert members.remove_dead(servers.watch, 0) == []


def test_a_server_that_is_silent_is_dead_when_its_lease_has_ended(servers: Servers) -> None:
    first = servers.join("first")
    servers.silence(first, members.LEASE_SECONDS + 60)
    wait_for(lambda: members.remove_dead(servers.watch, 0) == [f"first ({first.number})"])
    assert first.number not in members.beat(servers.watch, first.number)


@pytest.mark.parametrize("where", ["work", "stop"])
def test_a_server_that_is_frozen_in_a_transaction_is_dead_without_a_wait_for_it(servers: Servers, where: str) -> None:
    """Nobody can declare a server dead while such a transaction is open, and it may be open for ever."""
    first = servers.join("first")
    servers.silence(first, members.LEASE_SECONDS + 60)
    servers.watch.execute(f"SET statement_timeout TO '{WAITED_SECONDS}s'".encode())
    dead: list[str] = []
    with contextlib.suppress(ResourceFailed, psycopg.OperationalError), contextlib.ExitStack() as stack:
        if where == "work":
            stack.enter_context(begin_as_member(first.pool))
        else:
            stack.enter_context(first.raw.transaction())
            first.raw.execute(f"DELETE FROM {DATA}.replica WHERE no = {first.number}".encode())
        dead = wait_for(lambda: members.remove_dead(servers.watch, 0))
    assert dead == [f"first ({first.number})"]


class InterruptedConnection:
    """A connection whose server is frozen for a while after each statement."""

    def __init__(self, raw: psycopg.Connection[Any], work: Callable[[], object]) -> None:
        """`work` is done by others in the meantime."""
        self._raw, self._work = raw, work

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def execute(self, *arguments: Any) -> psycopg.Cursor[Any]:
        cursor = self._raw.execute(*arguments)
        self._work()
        return cursor


def test_a_server_that_is_frozen_while_it_joins_keeps_no_other_from_joining(servers: Servers) -> None:
    first, other = servers.join("first"), servers.join("other")
    other.raw.execute(f"SET statement_timeout TO '{WAITED_SECONDS}s'".encode())
    numbers: list[int] = []
    interrupted: Any = InterruptedConnection(
        first.raw, lambda: numbers.append(members.join(other.raw, "another", "http://another"))
    )
    numbers.append(members.join(interrupted, "frozen", "http://frozen"))
    assert len(set(numbers)) == len(numbers) > 1


def test_a_server_that_stops_releases_its_workspaces_immediately(servers: Servers) -> None:
    first, second = servers.join("first"), servers.join("second")
    servers.create(first, "a").store.close()
    members.leave(first.raw, first.number)
    assert list_projects(second.open("a")) == set()


# Work without requests


def test_workspaces_of_lost_servers_that_have_something_to_do_are_opened(servers: Servers) -> None:
    first, second = servers.join("first"), servers.join("second")
    add_delivery(servers.create(first, "due"))
    servers.create(first, "idle")
    assert second.storage.lookup.list_waiting(9) == []
    servers.declare_dead(first)
    assert set(second.storage.lookup.list_waiting(9)) == {name_home("due"), name_home("idle")}
    assert isinstance(second.storage.open(name_home("due"), only_if_due=True), Life)
    assert second.storage.open(name_home("idle"), only_if_due=True) is None
    assert second.storage.lookup.list_waiting(9) == []
    assert servers.join("third").open("idle").manifest.api_key == "idle"


def test_a_released_workspace_is_opened_again_when_a_delivery_is_due_by_its_own_clock(servers: Servers) -> None:
    first, second = servers.join("first"), servers.join("second")
    life = servers.create(first, "a")
    add_delivery(life)
    life.store.clock.freeze()
    life.store.clock.set(0)
    WorkspaceSettings(life.store).save_clock()
    assert not first.storage.is_due(life)
    first.storage.release(life)
    assert second.storage.lookup.list_waiting(9) == []
    life = second.open("a")
    life.store.clock.set(10**18)
    WorkspaceSettings(life.store).save_clock()
    assert second.storage.is_due(life)
    second.storage.release(life)
    assert first.storage.lookup.list_waiting(9) == [name_home("a")]


def test_a_task_that_a_test_lets_hang_is_no_work(servers: Servers) -> None:
    server = servers.join("first")
    life = servers.create(server, "a")
    tasks = TaskChanges(life.store)
    task = tasks.create_task(type=EXPORT, name=None, request=JsonText("{}"), base_url="")
    assert server.storage.is_due(life)
    tasks.let_hang(task.id)
    assert not server.storage.is_due(life)


def test_workspaces_that_no_request_uses_are_listed_whichever_server_served_them(servers: Servers) -> None:
    first, second = servers.join("first"), servers.join("second")
    for key in ("used", "unused", "served"):
        servers.create(first if key != "served" else second, key)
    first.storage.note_uses([("used", 10), ("unused", 7200), ("served", 7200)])
    second.storage.note_uses([("served", 7200)])
    assert second.storage.lookup.list_unused(3600, 9) == []
    servers.declare_dead(first)
    assert [located.api_key for located in second.storage.lookup.list_unused(3600, 9)] == ["unused"]
    assert second.storage.claim(name_home("unused"))
    assert not servers.join("third").storage.claim(name_home("unused"))
    second.storage.delete("unused")
    assert set(second.storage.lookup.list_keys()) == {"used", "served"}


def add_delivery(life: Life) -> None:
    """Adds a message that waits to be sent."""
    subscription = Deliveries(life.store).subscribe(
        None, url="http://127.0.0.1:1/", secret="x", topics=JsonText("[]"), version="v1", retries=JsonText("[]"),
        ordered=False, concurrency=1, timeout=1.0, misbehave=None,
    )  # fmt: skip
    with life.store.change() as change:
        delivery = Delivery(
            no=1, id="d", event_no=1, subscription_id=subscription.id, topic="t", url=subscription.url,
            headers=JsonText("{}"), body=b"{}", rendered_late=False, state=DeliveryState.PENDING, attempts=0,
            failures=0, due_at=change.now, made_at=change.now,
        )  # fmt: skip
        change.connection.insert([delivery])


# Versions


def test_a_database_that_is_served_is_not_migrated(servers: Servers) -> None:
    servers.join("first")
    servers.watch.execute(f"UPDATE {DATA}.state SET format = 4, tables = %s".encode(), [CHECKSUMS[4]])
    with pytest.raises(StartupError, match=r"is in use by servers of version .* stop all of them first"):
        servers.join("newer")


def test_a_database_that_a_server_of_an_earlier_version_uses_alone_is_refused(servers: Servers) -> None:
    take = f"SELECT pg_try_advisory_lock({0x6C_62_6D_64})".encode()
    wait_for(lambda: servers.watch.execute(take).fetchone() == (True,))  # the connection that prepared it has ended
    with pytest.raises(StartupError, match="is in use by another server"):
        servers.join("newer")
