"""The interface of the storage of workspaces. The other rooms use no more of it.

A workspace has one life at a time. A reset prepares the next life beside the one that is served, and then serves it.
Every method leaves the state before it or the state after it, even if the process is killed.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, NamedTuple

from mockserver.journal.table import Place
from mockserver.results.interface import Results
from mockserver.storage.damage import Damage
from mockserver.storage.manifest import LIFE, Origin, WorkspaceManifest
from mockserver.world.changes.settings import new_incarnation
from mockserver.world.database import Database
from mockserver.world.ids import digest
from mockserver.world.store import Hooks, Store

GetWorld = Callable[[], Database]
"""Returns the generated world that a workspace is copied from. Nobody writes to it."""
GetHooks = Callable[[WorkspaceManifest], Hooks]
"""Returns the hooks that the world of a workspace is opened with."""


class Life(NamedTuple):
    """One life of a workspace: its manifest, its open world, the results of its exports, and the place of its journal,
    if that is in a database."""

    manifest: WorkspaceManifest
    store: Store
    results: Results
    journal: Place | None = None


class Remote(NamedTuple):
    """Another server of the same database, which owns a workspace: its number, and the address by which others reach
    it."""

    number: int
    address: str


class ReplicaStatus(NamedTuple):
    """A server with the workspaces that it owns: how many there are, and the API keys of some. `age` is that of its
    last heartbeat in seconds, `is_this` whether it is the server that was asked."""

    number: int
    name: str
    address: str
    version: str
    age: float
    is_this: bool
    workspaces: int
    api_keys: list[str]


class Located(NamedTuple):
    """A workspace by the name under which it is kept. `api_key` is None if that cannot be read, `remote` unless another
    living server owns it."""

    home: str
    api_key: str | None
    remote: Remote | None


class Storage(ABC):
    """The workspaces of one server. A method that raises an error has changed nothing."""

    is_remote: ClassVar[bool] = False
    """Whether each use of a workspace waits for another process."""

    def __init__(self, get_hooks: GetHooks) -> None:
        self._get_hooks = get_hooks

    @abstractmethod
    def count(self) -> int:
        """The number of workspaces that an earlier run left, damaged ones included."""

    @abstractmethod
    def open_all(self) -> Iterator[Life | Damage]:
        """Opens the workspaces that an earlier run left, after removing those that it did not finish. A damaged one
        stays as it is."""

    @abstractmethod
    def create(self, manifest: WorkspaceManifest, get_world: GetWorld) -> Life:
        """Creates a workspace from a generated world. Raises Conflict, ResourceFailed."""

    @abstractmethod
    def fork(self, manifest: WorkspaceManifest, source: Life) -> Life:
        """Creates a workspace with the current world of another, which may be in use. Raises Conflict, ResourceFailed.

        A reset of the fork goes back to the same world.
        """

    @abstractmethod
    def prepare_next_life(self, life: Life, incarnation: str | None, get_world: GetWorld) -> Life:
        """Creates the next life of a workspace, which is not served before `serve`.

        A fork goes back to its own origin; `get_world` is for other workspaces. Raises Conflict, ResourceFailed.
        """

    @abstractmethod
    def serve(self, life: Life) -> None:
        """Makes a prepared life the one that the workspace has, and that every start opens. Raises OSError, and
        ResourceFailed, which says whether that may have happened all the same."""

    @abstractmethod
    def abandon(self, life: Life) -> None:
        """Closes and removes a prepared life that will not be served."""

    @abstractmethod
    def remove_earlier_lives(self, life: Life) -> None:
        """Removes the lives that ended before this one. What cannot be removed is removed at the next start."""

    @abstractmethod
    def delete(self, api_key: str, *, close: Callable[[], None] | None = None) -> None:
        """Deletes a workspace with everything in it: no start finds it again.

        `close` ends what uses it. It is called when nothing can go wrong any more. Raises OSError.
        """

    def close(self) -> None:  # noqa: B027  most storages leave nothing behind
        """Removes everything that should not outlive the server, once all workspaces are closed."""


class Lookup(ABC):
    """Finds and lists the workspaces that several servers share, whichever of them owns one. It changes nothing."""

    @abstractmethod
    def find(self, home: str) -> Located | None:
        """The workspace that is kept under this name."""

    @abstractmethod
    def locate(self, kind: str, value: str) -> Located | None:
        """The workspace with this API key ("key"), slug ("slug") or mask token ("token")."""

    @abstractmethod
    def has_label(self, label_id: str) -> bool:
        """Whether any workspace has a label with this id."""

    @abstractmethod
    def list_keys(self) -> list[str]:
        """The API keys of all workspaces, those of other servers included."""

    @abstractmethod
    def list_replicas(self, most: int) -> list[ReplicaStatus]:
        """The living servers, each with at most `most` keys of the workspaces that it owns."""

    @abstractmethod
    def list_waiting(self, most: int) -> list[str]:
        """The homes of some workspaces without an owner that may have something to do."""

    @abstractmethod
    def list_unused(self, age: float, most: int) -> list[Located]:
        """Some workspaces without an owner that no request has used for `age` seconds."""


class SharedStorage(Storage):
    """Workspaces that several servers share. Each has one owner at a time, which alone may change it."""

    @property
    @abstractmethod
    def number(self) -> int | None:
        """The number of this server among those of the database."""

    @property
    @abstractmethod
    def lookup(self) -> Lookup: ...

    @abstractmethod
    def remove_leftovers(self) -> None:
        """Removes the leftovers of servers that were killed while they created or removed a workspace."""

    @abstractmethod
    def open(self, home: str, *, only_if_due: bool = False) -> Life | Damage | Remote | None:
        """Claims a workspace and opens it. Returns its owner if that is another server; None if there is no such
        workspace, or if it has nothing to do now and `only_if_due`. Raises ResourceFailed."""

    @abstractmethod
    def read(self, home: str) -> Store | None:
        """The world of a workspace that another server may own, for reading; None if it is not there."""

    @abstractmethod
    def is_current(self, life: Life) -> bool:
        """Whether this server still has the number under which it opened a life. It waits for nothing."""

    @abstractmethod
    def claim(self, home: str) -> bool:
        """Claims a workspace without opening it; False if another server owns it, or if it does not exist."""

    @abstractmethod
    def note_uses(self, ages: Sequence[tuple[str, float]]) -> None:
        """Notes how many seconds ago the last requests used workspaces of this server, by their API keys."""

    @abstractmethod
    def is_due(self, life: Life) -> bool:
        """Whether a life has something to do soon that no request causes."""

    @abstractmethod
    def release(self, life: Life) -> None:
        """Lets any server open the workspace of a life that this server owns and has closed."""


def new_manifest(api_key: str, origin: Origin, *, incarnation: str | None) -> WorkspaceManifest:
    """The manifest of a workspace that is being created.

    A life with a given `incarnation` is the same every time it is created, so its secret follows from it.
    """
    secret = secrets.token_hex(16)
    if incarnation is not None:
        secret = digest("secret", api_key, incarnation, size=16).hex()
    return WorkspaceManifest(api_key, secret, new_life_name(), incarnation or new_incarnation(), origin)


def new_life_name() -> str:
    """The name of a life that no life had before, so that nobody mistakes its files for another's."""
    return LIFE + secrets.token_hex(6)
