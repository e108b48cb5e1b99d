"""Connections, transactions and snapshots of one workspace's database.

A change is a transaction, and only `Store.change` opens one. It also appends the events of the change: the hook
`before_commit` is called with the changed world before any other connection can see it, and what the hook writes is
committed or lost together with the change. Which changes there are, the families in `world/changes/` say.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from mockserver.errors import MockserverError, ResourceFailed
from mockserver.world.change import Change
from mockserver.world.clause import Clause
from mockserver.world.clock import Clock
from mockserver.world.database import Connection, Database
from mockserver.world.record import Record
from mockserver.world.records.people import Organization, Person
from mockserver.world.records.workspace import Workspace
from mockserver.world.short_reads import read_freely
from mockserver.world.store_faults import StoreFaults, build_conflict

_STATES = itertools.count()
"""No two states of worlds in this process have the same number, also if a world is closed and opened again."""


def _do_nothing(_of: object) -> None:
    """The hook of a store that nobody listens to."""


class Hooks(NamedTuple):
    """The functions that a store calls at every change."""

    before_commit: Callable[[Change], None] = _do_nothing
    """Is called inside the transaction of a change that has events, when they are written."""
    after_commit: Callable[[Store], None] = _do_nothing
    """Is called when others can see the change, outside of all locks."""


class Store:
    """Opens a database, reads it, changes it. Safe for several threads; a snapshot belongs to its caller."""

    def __init__(self, database: Database, *, hooks: Hooks = Hooks()) -> None:  # noqa: B008  a frozen record
        self.database = database
        self.clock = Clock()
        self._hooks = hooks
        self.version = 0
        """How many changes this store has committed."""
        self._state: int | None = next(_STATES)
        """Names what is committed. None while that may change: during a commit, as others may see it before this store
        knows of it; and after one that has failed, as it may still be made, until the next change begins."""
        self._watchers: list[Callable[[], None]] = []
        self._lock = threading.RLock()
        self._faults = StoreFaults(getattr(database, "path", None))
        with self._faults.convert():
            self._connection = database.connect()
        self._connection.end_long_reads()
        self._faults.remember_files()
        self._reader = _RemoteReading if database.IS_REMOTE else _Reading
        self._second_lock = threading.RLock()
        self._second: Connection | None = None
        """Reads while another thread changes something."""
        self._open: Change | None = None
        self._changing: int | None = None
        """The thread of the open change."""
        self._closed = False
        self._opening = threading.Lock()
        """Is held while a snapshot is opened, because the files may be deleted as soon as the store is closed."""

    @classmethod
    def open(cls, database: Database, *, hooks: Hooks = Hooks()) -> Store:  # noqa: B008  a frozen record
        """Opens an existing world, with its clock where it was left."""
        store = cls(database, hooks=hooks)
        store.load_clock()
        return store

    @classmethod
    def create(
        cls,
        database: Database,
        world: Workspace,
        batches: Iterable[list[Record]] = (),
        *,
        hooks: Hooks = Hooks(),  # noqa: B008  a frozen record
    ) -> Store:
        """Creates a database with the given world in it. A batch is inserted before the next is generated."""
        store = cls(database, hooks=hooks)
        with store._lock:
            database.create_tables(store._connection)
            store._connection.begin()
            store._connection.insert([world])
            for batch in batches:
                store._connection.insert(batch)
            store._connection.commit()
            # Sorted at the end: ids are random, and a million of them inserted one by one take twice as long.
            database.create_indexes(store._connection)
        return store

    def load_clock(self) -> None:
        """Sets the clock to where the last process left it."""
        world = self.workspace
        self.clock = Clock(world.clock_offset, world.clock_frozen_at)

    def close(self) -> None:
        with self._lock:
            with self._opening:
                self._closed = True
            self._close(self._connection)
        with self._second_lock:  # not within the other: a reader of this one may wait there for a change
            if self._second is not None:
                self._close(self._second)
        self._notify_watchers()

    def _close(self, connection: Connection) -> None:
        if self._faults.hidden:
            connection.close_deleted()
        else:
            connection.close()

    def hide_faults(self) -> AbstractContextManager[None]:
        """Inside this block the store's files are moved away: a request that meets that learns that the workspace ends,
        and not that its files are missing. If the block raises an error, the store goes on."""
        return self._faults.hide()

    @contextmanager
    def watch(self, notify: Callable[[], None]) -> Iterator[None]:
        """Calls `notify` after every change, and when the store is closed, in the thread where that happens."""
        self._watchers.append(notify)
        try:
            yield
        finally:
            self._watchers.remove(notify)

    def _notify_watchers(self) -> None:
        for notify in tuple(self._watchers):
            notify()

    def _get_state(self) -> int | None:
        return self._state

    def _check_open(self) -> None:
        if self._closed:
            raise build_conflict()

    # Reading

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection for short reads: the store's own, or, while another thread changes something, a second one that
        sees what is committed. A read never waits for a change. Of a remote database every reader has one of its own.
        Entering raises Conflict when the store is closed."""
        return self._reader(self)

    def is_changing(self) -> bool:
        """Whether another thread changes something now."""
        return self._changing not in {None, threading.get_ident()}

    @contextmanager
    def hold_still(self) -> Iterator[Connection | None]:
        """Inside this block nothing changes; the store's connection, or None if something is being changed now.

        It is for milliseconds, as changes wait for its end.
        """
        if not self._lock.acquire(blocking=False):
            yield None
            return
        try:
            self._check_open()
            yield self._connection if self._open is None else None
        finally:
            self._lock.release()

    def snapshot(self) -> Connection:
        """A connection of its own that sees the world as it is now until it is closed, whatever changes later."""
        with self._opening, self._faults.convert():
            self._check_open()
            connection = self.database.connect()
            try:
                connection.begin(snapshot=True)
            except BaseException:
                connection.close()
                raise
            return connection

    @contextmanager
    def read_apart(self) -> Iterator[Connection]:
        """A connection of its own, for reads in a thread that take longer than a few milliseconds: `reading` would let
        changes on the event loop wait for them."""
        with contextlib.closing(self.snapshot()) as connection:
            yield connection

    @property
    def workspace(self) -> Workspace:
        with self.reading() as connection:
            return connection.select(Workspace)[0]

    def user(self) -> Person:
        """The owner of the API key."""
        with self.reading() as connection:
            user = connection.find(Person, Clause("id = (SELECT user_id FROM workspace)"))
        assert user is not None, "every world has the person its API key belongs to"
        return user

    def organization(self) -> Organization:
        with self.reading() as connection:
            return connection.select(Organization)[0]

    # Changing

    @contextmanager
    def change(self) -> Iterator[Change]:
        """Opens a transaction; its events are written and given to `before_commit` at its end.

        A change within a change is a part of it. Raises Conflict when the store is closed, and ResourceFailed when the
        machine cannot keep the change: then nothing of it is kept.
        """
        with self._lock:
            self._check_open()
            if self._open is not None:
                yield self._open
                return
            connection = self._connection
            with self._faults.convert(), read_freely():
                connection.begin()
                try:
                    if self._state is None:
                        self._state = next(_STATES)  # it has waited for the end of all earlier changes
                    self._open = change = Change(connection, self.clock.now())
                    self._changing = threading.get_ident()
                    yield change
                    self._append_events(change)
                    self._faults.check_files()
                    self._state = None
                    connection.commit()
                    self._state = next(_STATES)
                except BaseException:
                    connection.rollback()
                    raise
                finally:
                    self._open = self._changing = None
            self.version += 1
        self._hooks.after_commit(self)
        self._notify_watchers()

    def _append_events(self, change: Change) -> None:
        if change.events:
            change.connection.insert(change.events)
            self._hooks.before_commit(change)


class _Reading:
    """One read of a store. No generator: that costs as much as a query, and an answer reads for every record."""

    __slots__ = ("_lock", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = store._lock

    def __enter__(self) -> Connection:
        store = self._store
        if not self._lock.acquire(blocking=False):
            self._lock = store._second_lock
            self._lock.acquire()
        try:
            store._check_open()
            return store._connection if self._lock is store._lock else self._second()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise

    def _second(self) -> Connection:
        if self._store._second is None:
            self._store._second = self._store.database.connect()
            self._store._second.end_long_reads()
        return self._store._second

    def __exit__(self, _kind: object, raised: BaseException | None, _trace: object) -> None:
        self._lock.release()
        if raised is not None and not isinstance(raised, MockserverError):
            fault = self._store._faults.find(raised)
            if fault is not None:
                raise fault from raised


class _RemoteReading:
    """One read of a store whose database is remote: it waits for no other reader."""

    __slots__ = ("_store",)

    def __init__(self, store: Store) -> None:
        self._store = store

    def __enter__(self) -> Connection:
        store = self._store
        if store._changing == threading.get_ident():
            return store._connection
        store._check_open()
        return store.database.connect_reader(store._get_state)

    def __exit__(self, _kind: object, raised: BaseException | None, _trace: object) -> None:
        if isinstance(raised, ResourceFailed) and self._store._faults.hidden:
            raise build_conflict() from raised
