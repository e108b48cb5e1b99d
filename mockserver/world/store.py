"""The state of one workspace. Its synchronous methods are the only way to change anything.

Every change is one transaction that also appends its events; `before_commit` sees them and the
changed world before anybody else does, and what it writes is committed or lost together with the change.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib import resources
from typing import Any, ClassVar, TypeVar

import msgspec
import orjson

from mockserver.errors import Conflict, MockserverError, NotFound, ResourceFailed
from mockserver.world import ids
from mockserver.world.clock import Clock
from mockserver.world.data_rows import DataRow, Dataset
from mockserver.world.database import Clause, Connection, Database, JsonText, R, Record
from mockserver.world.events import Event, EventKind
from mockserver.world.faults import fault_of
from mockserver.world.labels import Label
from mockserver.world.legacy import LegacyFile
from mockserver.world.people import Organization, Person
from mockserver.world.presence import Presence
from mockserver.world.progression import Progression, pace_text, progression_of
from mockserver.world.projects import Project, queues_of_new_project
from mockserver.world.switches import Switches, switches_of
from mockserver.world.tasks import Task, TaskStatus
from mockserver.world.webhooks import Attempt, Delivery, Subscription

GENERATED = "generated"
"""The incarnation of a world that no workspace has begun to live in."""


class Workspace(Record, frozen=True):
    """The one row that says what this world is. `name` is its API key; `progression` and `switches` are JSON
    (world/progression.py, world/switches.py)."""

    TABLE: ClassVar[str] = "workspace"
    name: str
    scenario: str
    seed: int
    ends: int
    incarnation: str
    sequence: int
    organization_id: str
    user_id: str
    clock_offset: int = 0
    clock_frozen_at: int | None = None
    progression: JsonText = JsonText("{}")
    switches: JsonText = JsonText("{}")
    payload_date: str | None = None
    """As YYYY-MM-DD: exports are written as the service wrote them then. None: as it writes them now."""


class Change:
    """One open transaction: the connection to write with, and the events it will append."""

    def __init__(self, connection: Connection, now: int) -> None:
        self.connection = connection
        self.now = now
        self.events: list[Event] = []

    def happened(self, kind: EventKind, *, project: str | None = None, data_row: str | None = None,
                 label: str | None = None, **details: Any) -> None:  # fmt: skip
        """Append an event; it gets its number when it is written."""
        text = JsonText(orjson.dumps(details, option=orjson.OPT_SORT_KEYS).decode())
        self.events.append(Event(0, kind, self.now, project, data_row, label, text))


D = TypeVar("D", DataRow, Label)

BeforeCommit = Callable[[Change, list[Event]], None]
AfterCommit = Callable[[], None]

OF_ONE_LIFE: tuple[type[Record], ...] = (Task, LegacyFile, Event, Subscription, Delivery, Attempt)
"""What belongs to the life of a workspace: no part of its generated world, and not taken into the next life."""


class Store:
    """Opens a database, reads it, changes it. Safe for several threads; a snapshot belongs to whoever opened it."""

    def __init__(self, database: Database, clock: Clock | None = None, *, before_commit: BeforeCommit | None = None):
        self.database = database
        self.clock = clock or Clock()
        self.before_commit = before_commit
        self.after_commit: AfterCommit | None = None
        self._watchers: list[AfterCommit] = []
        self._lock = threading.RLock()
        self._presence = Presence(getattr(database, "path", None))
        with self._faults_told():
            self._connection = database.connect()
        self._presence.remember()
        self._aside_lock = threading.RLock()
        self._aside: Connection | None = None
        self._open: Change | None = None
        self._closed = False
        self._ending = False
        self._opening = threading.Lock()
        """Held while a snapshot is opened: what closes the store deletes its files next."""

    @classmethod
    def open(cls, database: Database, *, before_commit: BeforeCommit | None = None) -> Store:
        """An existing world, its clock where it was left. Tasks that nobody works on any more have failed."""
        store = cls(database, before_commit=before_commit)
        store.resume()
        return store

    def resume(self) -> None:
        """Go on where the last process stopped: its clock, and its unfinished tasks, which have failed."""
        world = self.workspace
        self.clock = Clock(world.clock_offset, world.clock_frozen_at)
        self.fail_unfinished_tasks()

    @classmethod
    def create(cls, database: Database, world: Workspace, pieces: Iterable[list[Record]] = ()) -> Store:
        """A new database that holds the given world and nothing else. A piece is inserted before the next is made."""
        store = cls(database)
        tables, indexes = schema_parts()
        with store._lock:
            store._connection.script(database.ddl(tables))
            store._connection.begin()
            store._connection.insert([world])
            for piece in pieces:
                store._connection.insert(piece)
            store._connection.commit()
            # Sorted at the end: ids are random, and a million of them inserted one by one take twice as long.
            store._connection.script(indexes)
        return store

    def check_tables(self) -> None:
        """Raises the engine's error where a table or column is missing: another version made this database."""
        with self.reading() as connection:
            for kind in _subclasses(Record):
                if hasattr(kind, "TABLE"):
                    connection.select(kind, first=0)

    def close(self) -> None:
        with self._lock:
            with self._opening:
                self._closed = True
            self._connection.close()
        with self._aside_lock:  # not within the other: who reads here may wait there for a change
            if self._aside is not None:
                self._aside.close()
        self._tell_watchers()

    @contextmanager
    def ending(self) -> Iterator[None]:
        """The store's files are moved away inside this block. Who meets that is told that the workspace ends, and not
        that its files are missing. When the block raises an error, the store goes on."""
        self._ending = True
        try:
            yield
        except BaseException:
            self._ending = False
            raise

    @contextmanager
    def watched(self, tell: AfterCommit) -> Iterator[None]:
        """Calls `tell` after every change, and when the store is closed, in the thread where that happens."""
        self._watchers.append(tell)
        try:
            yield
        finally:
            self._watchers.remove(tell)

    def _tell_watchers(self) -> None:
        for tell in tuple(self._watchers):
            tell()

    def _check_open(self) -> None:
        if self._closed:
            raise _ended()

    def _fault_of(self, error: BaseException) -> MockserverError | None:
        """What `error` says about the machine; while the store's files are moved away, that the workspace ends."""
        fault = fault_of(error, self._presence.path)
        return _ended() if fault is not None and self._ending else fault

    # Reading

    def reading(self) -> AbstractContextManager[Connection]:
        """The store's own connection, for short reads. While another thread changes something, one beside it that sees
        what is committed: a read never waits for a change. Entering raises Conflict when the store is closed."""
        return _Reading(self)

    def snapshot(self) -> Connection:
        """A connection of its own that sees this moment until it is closed, whatever changes meanwhile."""
        with self._opening, self._faults_told():
            self._check_open()
            connection = self.database.connect()
            try:
                connection.begin(snapshot=True)
            except BaseException:
                connection.close()
                raise
            return connection

    @property
    def workspace(self) -> Workspace:
        with self.reading() as connection:
            return connection.select(Workspace)[0]

    @property
    def progression(self) -> Progression:
        return progression_of(self.workspace.progression)

    def digest(self) -> str:
        """A hash of the generated world: every row of every table in a stable order. Equal worlds, equal digests."""
        total = hashlib.blake2b(digest_size=16)
        with self.reading() as connection:
            for kind in _subclasses(Record):
                if kind in {Workspace, *OF_ONE_LIFE} or not hasattr(kind, "TABLE"):
                    continue
                rows = sorted(map(repr, connection.select(kind)))
                total.update("\n".join([kind.TABLE, *rows]).encode())
        return total.hexdigest()

    # Changing

    @contextmanager
    def change(self) -> Iterator[Change]:
        """One transaction. Events of the change are numbered, shown to `before_commit` and written with it.

        A change within a change belongs to it. `after_commit` is called when others can see it, outside of all locks.
        Raises Conflict when the store is closed, and ResourceFailed when the machine cannot keep the change: then
        nothing of it is there.
        """
        with self._lock:
            self._check_open()
            if self._open is not None:
                yield self._open
                return
            connection = self._connection
            with self._faults_told():
                connection.begin()
                try:
                    self._open = change = Change(connection, self.clock.now())
                    yield change
                    self._append(change)
                    self._presence.check()
                    connection.commit()
                except BaseException:
                    connection.rollback()
                    raise
                finally:
                    self._open = None
        if self.after_commit is not None:
            self.after_commit()
        self._tell_watchers()

    @contextmanager
    def _faults_told(self) -> Iterator[None]:
        """Raise ResourceFailed for what the engine says of the machine. It names the database, which the engine does
        not."""
        try:
            yield
        except Exception as error:
            known = isinstance(error, MockserverError) and not isinstance(error, ResourceFailed)
            fault = None if known else self._fault_of(error)
            if fault is None or fault is error:
                raise
            raise fault from error

    def _append(self, change: Change) -> None:
        if not change.events:
            return
        first = next_number(change.connection, Event)
        events = [msgspec.structs.replace(event, no=first + index) for index, event in enumerate(change.events)]
        change.connection.insert(events)
        if self.before_commit is not None:
            self.before_commit(change, events)

    def new_id(self, change: Change, *, at: int | None = None) -> str:
        """An id that no workspace, no life of this workspace and no call ever gave before, of the moment `at`, default
        now."""
        change.connection.run("UPDATE workspace SET sequence = sequence + 1")
        seed, incarnation, sequence = change.connection.rows("SELECT seed, incarnation, sequence FROM workspace")[0]
        return ids.cuid(change.now if at is None else at, "run", seed, incarnation, sequence)

    def begin_life(
        self,
        *,
        name: str,
        incarnation: str | None = None,
        switches: Mapping[str, str] | None = None,
        payload_date: str | None = None,
    ) -> None:
        """Make a copied world a workspace of its own: a fresh incarnation, no tasks, no events, nothing to send.

        Switches that are not named, and a payload date that is None, stay as the copied world has them. All of it is
        one transaction: no world ever has a part of it.
        """
        with self.change() as change:
            for kind in OF_ONE_LIFE:
                change.connection.delete(kind)
            world = self.workspace
            chosen = msgspec.structs.replace(switches_of(world.switches), **(switches or {}))
            change.connection.update(
                Workspace,
                Clause("TRUE"),
                name=name,
                incarnation=incarnation or new_incarnation(),
                sequence=0,
                clock_offset=self.clock.offset,
                clock_frozen_at=self.clock.frozen_at,
                switches=chosen.text(),
                payload_date=payload_date or world.payload_date,
            )

    def keep_clock(self) -> None:
        """Remember where the clock stands, for the next time this world is opened."""
        with self.change() as change:
            values = {"clock_offset": self.clock.offset, "clock_frozen_at": self.clock.frozen_at}
            change.connection.update(Workspace, Clause("TRUE"), **values)

    def set_progression(self, progression: Progression) -> None:
        """From now on; tasks that run keep the progression they began with."""
        with self.change() as change:
            change.connection.update(Workspace, Clause("TRUE"), progression=progression.text())

    @property
    def switches(self) -> Switches:
        return switches_of(self.workspace.switches)

    def set_switches(self, switches: Switches) -> None:
        with self.change() as change:
            change.connection.update(Workspace, Clause("TRUE"), switches=switches.text())

    def set_payload_date(self, date: str | None) -> None:
        """From now on; what is written stays as it is."""
        with self.change() as change:
            change.connection.update(Workspace, Clause("TRUE"), payload_date=date)

    def create_project(self, *, name: str, **fields: Any) -> Project:
        """A project with its three task queues. `fields` are those of Project that a client may choose."""
        with self.change() as change:
            user = self.workspace.user_id
            project = Project(
                **{
                    "description": None, "allowed_media_type": None, "queue_mode": "BATCH", "editor_task_type": None,
                    "ontology_id": None, "labeling_frontend_id": None, "is_benchmark_enabled": False,
                    "is_consensus_enabled": False, "auto_audit_percentage": 1.0, "auto_audit_number_of_labels": 1,
                    "setup_complete": None,
                }
                | fields,
                id=self.new_id(change), name=name, created_by=user, created_at=change.now, updated_at=change.now,
                deleted=False,
            )  # fmt: skip
            change.connection.insert([project, *queues_of_new_project(project.id, project.id)])
            change.happened(EventKind.PROJECT_CREATED, project=project.id)
            return project

    def update_project(self, project_id: str, **fields: Any) -> Project:
        """Set fields of a project; `deleted=True` deletes it. Raises NotFound."""
        return self._update(Project, project_id, EventKind.PROJECT_UPDATED, EventKind.PROJECT_DELETED, fields)

    def create_dataset(self, *, name: str, description: str | None = None) -> Dataset:
        with self.change() as change:
            dataset = Dataset(
                self.new_id(change),
                name,
                description,
                self.workspace.user_id,
                change.now,
                change.now,
                deleted=False,
            )
            change.connection.insert([dataset])
            change.happened(EventKind.DATASET_CREATED, id=dataset.id)
            return dataset

    def update_dataset(self, dataset_id: str, **fields: Any) -> Dataset:
        """Set fields of a dataset; `deleted=True` deletes it and its data rows. Raises NotFound."""
        with self.change():
            dataset = self._update(Dataset, dataset_id, EventKind.DATASET_UPDATED, EventKind.DATASET_DELETED, fields)
            if dataset.deleted:
                rows = self._connection.select(DataRow, Clause("dataset_id = :id AND NOT deleted", id=dataset_id))
                self.delete_data_rows([row.id for row in rows])
            return dataset

    def _update(
        self, kind: type[R], record_id: str, updated: EventKind, deleted: EventKind, fields: dict[str, Any]
    ) -> R:
        with self.change() as change:
            clause = Clause("id = :id AND NOT deleted", id=record_id)
            if not change.connection.update(kind, clause, updated_at=change.now, **fields):
                raise NotFound(f"{kind.__name__} {record_id!r} does not exist")
            project = record_id if kind is Project else None
            change.happened(deleted if fields.get("deleted") else updated, project=project, id=record_id)
            return change.connection.select(kind, Clause("id = :id", id=record_id))[0]

    def delete_data_rows(self, data_row_ids: list[str]) -> list[str]:
        """Mark data rows deleted; they leave every project and export. Raises NotFound if one does not exist."""
        with self.change() as change:
            rows = self._marked(change, DataRow, data_row_ids)
            for row in rows:
                change.happened(EventKind.DATA_ROW_DELETED, data_row=row.id)
            return [row.id for row in rows]

    def delete_labels(self, label_ids: list[str]) -> list[str]:
        """Mark labels deleted, which is activity on their data rows. Raises NotFound if one does not exist."""
        with self.change() as change:
            labels = self._marked(change, Label, label_ids)
            for label in labels:
                row = change.connection.value("SELECT id FROM data_row WHERE no = :no", {"no": label.data_row_no})
                change.happened(EventKind.LABEL_DELETED, project=label.project_id, data_row=row, label=label.id)
                self.touch(change, label.data_row_no)
                standing = {"id": label.id, "project": label.project_id, "row": label.data_row_no}
                change.connection.run(_SELECT_ANOTHER_LABEL, standing)
            return [label.id for label in labels]

    def _marked(self, change: Change, kind: type[D], record_ids: list[str]) -> list[D]:
        """Mark records deleted, each once. All of them or none: raises NotFound naming the first that is not there."""
        wanted = list(dict.fromkeys(record_ids))
        found: dict[str, D] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            live = Clause("id IN :ids AND NOT deleted", ids=wanted[start : start + _AT_ONCE])
            found |= {record.id: record for record in change.connection.select(kind, live)}
            change.connection.update(kind, live, deleted=True, updated_at=change.now)
        for record_id in wanted:
            if record_id not in found:
                raise NotFound(f"{kind.__name__} {record_id!r} does not exist")
        return [found[record_id] for record_id in wanted]

    def touch(self, change: Change, data_row_no: int) -> None:
        """Activity on a data row: exports find it by `last_activity_at`."""
        change.connection.update(DataRow, Clause("no = :no", no=data_row_no), last_activity_at=change.now)

    # Tasks

    def create_task(self, *, type: str, name: str | None, request: JsonText, base_url: str) -> Task:  # noqa: A002  the wire's word
        """A task that is IN_PROGRESS and belongs to the current user."""
        with self.change() as change:
            pace = pace_text(self.progression.exports)
            task = Task(
                next_number(change.connection, Task), self.new_id(change), type, name, TaskStatus.IN_PROGRESS, 0.0,
                request, base_url, pace, JsonText("{}"), None, self.workspace.user_id, change.now, change.now,
            )  # fmt: skip
            change.connection.insert([task])
            return task

    def report_progress(self, task_id: str, percentage: float) -> bool:
        """Raise the completion percentage of a running task; False if it does not run any more."""
        with self.change() as change:
            running = Clause("id = :id AND status = :status", id=task_id, status=TaskStatus.IN_PROGRESS)
            return bool(
                change.connection.update(Task, running, completion_percentage=percentage, updated_at=change.now)
            )

    def finish_task(self, task_id: str, streams: JsonText) -> bool:
        """COMPLETE, with its final streams; False if it ended otherwise in the meantime, and stays so."""
        return self._end_task(task_id, status=TaskStatus.COMPLETE, completion_percentage=100.0, streams=streams)

    def fail_task(self, task_id: str, failure: str, streams: JsonText = JsonText("{}")) -> None:  # noqa: B008  a text
        """FAILED, with the reason and the stream of errors that tells it."""
        self._end_task(task_id, status=TaskStatus.FAILED, failure=failure, streams=streams)

    def cancel_task(self, task_id: str, *, made: bool = False) -> bool:
        """CANCELED; False if it has ended otherwise. `made` says that a COMPLETE task was not shown to anybody yet."""
        state = TaskStatus.COMPLETE if made else TaskStatus.IN_PROGRESS
        return self._end_task(task_id, state, status=TaskStatus.CANCELED, streams=JsonText("{}"))

    def _end_task(self, task_id: str, state: TaskStatus = TaskStatus.IN_PROGRESS, **values: Any) -> bool:
        with self.change() as change:
            running = Clause("id = :id AND status = :state", id=task_id, state=state)
            return bool(change.connection.update(Task, running, updated_at=change.now, **values))

    def fail_unfinished_tasks(self) -> int:
        """After a restart nobody works on them any more; how many there were."""
        with self.change() as change:
            clause = Clause("status = :running", running=TaskStatus.IN_PROGRESS)
            failure = "The server was stopped while this task ran; start it again"
            change.connection.update(LegacyFile, clause, status=TaskStatus.FAILED, failure=failure)
            return change.connection.update(
                Task, clause, status=TaskStatus.FAILED, failure=failure, updated_at=change.now
            )

    # Who asks

    def user(self) -> Person:
        """The owner of the API key."""
        with self.reading() as connection:
            user = connection.find(Person, Clause("id = (SELECT user_id FROM workspace)"))
        assert user is not None, "every world has the person its API key belongs to"
        return user

    def organization(self) -> Organization:
        with self.reading() as connection:
            return connection.select(Organization)[0]


class _Reading:
    """One read of a store. No generator: that costs as much as a query, and an answer reads for every record."""

    __slots__ = ("_lock", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = store._lock

    def __enter__(self) -> Connection:
        store = self._store
        if not self._lock.acquire(blocking=False):
            self._lock = store._aside_lock
            self._lock.acquire()
        try:
            store._check_open()
            return store._connection if self._lock is store._lock else self._beside()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise

    def _beside(self) -> Connection:
        if self._store._aside is None:
            self._store._aside = self._store.database.connect()
        return self._store._aside

    def __exit__(self, _kind: object, raised: BaseException | None, _trace: object) -> None:
        self._lock.release()
        if raised is not None and not isinstance(raised, MockserverError):
            fault = self._store._fault_of(raised)
            if fault is not None:
                raise fault from raised


def _ended() -> Conflict:
    return Conflict("This workspace was reset or deleted meanwhile; ask again")


_AT_ONCE = 10_000
"""Ids in one statement."""

_SELECT_ANOTHER_LABEL = (
    "UPDATE project_row SET selected_label_id = (SELECT l.id FROM label l WHERE l.project_id = project_row.project_id"
    " AND l.data_row_no = project_row.data_row_no AND NOT l.deleted ORDER BY l.no LIMIT 1)"
    " WHERE project_id = :project AND data_row_no = :row AND selected_label_id = :id"
)


def new_incarnation() -> str:
    """The name of a life that never was and never will be: 64 random bits."""
    return secrets.token_hex(8)


def next_number(connection: Connection, kind: type[Record]) -> int:
    """The number of the next row of a table with numbered rows, inside the transaction that will insert it."""
    return int(connection.value(f"SELECT COALESCE(MAX(no), 0) + 1 FROM {kind.TABLE}"))


def schema_parts() -> tuple[str, str]:
    """The tables and the indexes, in the portable dialect."""
    text = resources.files("mockserver.world").joinpath("schema.sql").read_text("utf-8")
    index = re.compile(r"^CREATE (?:UNIQUE )?INDEX [^;]*;", re.MULTILINE)
    return index.sub("", text), "\n".join(index.findall(text))


def _subclasses(kind: type[Record]) -> list[type[Record]]:
    return sorted(kind.__subclasses__(), key=lambda sub: sub.__name__)
