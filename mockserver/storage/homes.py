"""The folders of workspaces, each of which is named by its API key.

One is created completely under a name that no start takes for a workspace, and is then renamed into place. One that is
deleted is renamed first. So a process that is killed leaves the folder before or the folder after, never a part.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from mockserver.errors import Conflict
from mockserver.folders import PART, flush_names, remove_folder
from mockserver.results.interface import ResultsRoot
from mockserver.storage.damage import WorkspaceDamaged, check_origin
from mockserver.storage.manifest import (
    LIFE,
    WORKSPACE_MANIFEST,
    WorkspaceManifest,
    name_home,
    read_workspace_manifest,
)
from mockserver.world.machine_failures import name_faults

UNFINISHED = ".new-"
DELETED = ".old-"


class Homes:
    """The folders of the workspaces of one state. `durable`: each step waits for the disk, as a kept state should.

    The results of a life are below `results_root`, or in the life's folder. They are removed together with it.
    """

    def __init__(self, folder: Path, *, durable: bool, results_root: ResultsRoot | None) -> None:
        self._folder, self._durable, self._results_root = folder, durable, results_root

    def get_path(self, api_key: str) -> Path:
        return self._folder / name_home(api_key)

    def list_all(self) -> list[Path]:
        """Everything that may be a workspace, in a stable order."""
        if not self._folder.exists():
            return []
        own_names = (UNFINISHED, DELETED)
        return sorted(path for path in self._folder.iterdir() if not path.name.startswith(own_names))

    def read_manifest(self, home: Path) -> WorkspaceManifest:
        """The manifest of a workspace in the folder that its key has. Raises WorkspaceDamaged."""
        path = home / WORKSPACE_MANIFEST
        try:
            manifest = read_workspace_manifest(home)
            check_origin(manifest.origin)
        except OSError as error:
            raise WorkspaceDamaged(f"{path}: {error.strerror}") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise WorkspaceDamaged(f"{path} is damaged: {error}") from None
        expected = self.get_path(manifest.api_key)
        if expected != home:
            raise WorkspaceDamaged(f"{home} is a copy of {expected.name}: a workspace's folder is named by its API key")
        return manifest

    # Creating

    @contextmanager
    def create(self, manifest: WorkspaceManifest) -> Iterator[Path]:
        """A folder to create a workspace in. It is renamed into place if the block raises no error, else removed."""
        home = self._get_free_path(manifest)
        folder = self._folder / f"{UNFINISHED}{secrets.token_hex(6)}"
        with name_faults(home):
            try:
                folder.mkdir()  # without parents: a state that was moved away comes back to an empty place
                (folder / manifest.life).mkdir()
                yield folder
                folder.rename(home)
            except BaseException:
                remove_folder(folder)
                raise
            if self._durable:
                flush_names(self._folder)

    @contextmanager
    def create_in_place(self, manifest: WorkspaceManifest) -> Iterator[Path]:
        """The folder of a workspace that is created where it will be. It is removed if the block raises an error. A
        state that is not kept is removed as a whole after its process was killed, so nobody meets a part."""
        home = self._get_free_path(manifest)
        with name_faults(home):
            try:
                home.mkdir()  # without parents: a state that was moved away comes back to an empty place
                (home / manifest.life).mkdir()
                yield home
            except BaseException:
                self._put_away(home)
                raise

    def _get_free_path(self, manifest: WorkspaceManifest) -> Path:
        """Raises Conflict if something has the place of a new workspace."""
        home = self.get_path(manifest.api_key)
        if home.exists():
            raise Conflict(f"{home} is in the way of a new workspace with this API key; move it away, or delete it")
        return home

    def _put_away(self, home: Path) -> None:
        """Removes a workspace that could not be created. It is renamed first, which needs no file descriptor, so that
        its place is free even if its files cannot be removed now."""
        unfinished = self._folder / f"{UNFINISHED}{secrets.token_hex(6)}"
        try:
            home.rename(unfinished)
        except OSError:  # the error of the creation is the one to report
            unfinished = home
        remove_folder(unfinished)

    # Removing

    def remove_unfinished(self) -> None:
        """Removes what was being created, or being deleted, when a process was killed."""
        for prefix in (UNFINISHED, DELETED):
            for left in self._folder.glob(f"{prefix}*"):
                self._remove(left) if left.is_dir() else left.unlink(missing_ok=True)

    def remove_earlier_lives(self, manifest: WorkspaceManifest) -> None:
        """Removes the lives that a manifest names as left over, and manifests that were never finished."""
        home = self.get_path(manifest.api_key)
        for name in manifest.leaving:
            self._remove_life(home / name)
        for unfinished in home.glob(f"{WORKSPACE_MANIFEST}.*{PART}") if self._durable else ():
            unfinished.unlink(missing_ok=True)

    def remove_life(self, manifest: WorkspaceManifest) -> None:
        self._remove_life(self.get_path(manifest.api_key) / manifest.life)

    def _remove_life(self, folder: Path) -> None:
        if self._results_root is not None:
            self._results_root.remove(folder.name)
        remove_folder(folder)

    def delete(self, api_key: str, *, close: Callable[[], None] | None = None) -> None:
        """Deletes a workspace. `close` ends what uses it, when nothing can go wrong any more. Raises OSError."""
        deleted = self._folder / f"{DELETED}{secrets.token_hex(6)}"
        self.get_path(api_key).rename(deleted)
        if close is not None:
            close()
        if self._durable:
            flush_names(self._folder)
        self._remove(deleted)

    def _remove(self, home: Path) -> None:
        self._remove_results(home)
        remove_folder(home)

    def remove_all_results(self) -> None:
        """Deletes the results of all workspaces that are elsewhere."""
        if self._results_root is not None:
            for home in self.list_all():
                self._remove_results(home)

    def _remove_results(self, home: Path) -> None:
        """Deletes the results of all lives in a folder that are elsewhere."""
        if self._results_root is not None:
            for life in home.glob(f"{LIFE}*"):
                self._results_root.remove(life.name)
