"""A state folder, which one process and one version use; a temporary one is removed at the end."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from mockserver import __version__
from mockserver.conversion import decode
from mockserver.errors import StartupError
from mockserver.folders import (
    FolderLock,
    TemporaryFolder,
    make_private_folder,
    read_small_file,
    remove_abandoned_folders,
    write_atomically,
)
from mockserver.results.interface import ResultsRoot
from mockserver.storage.folder_storage import FolderStorage
from mockserver.storage.interface import GetHooks, Storage
from mockserver.storage.manifest import STATE_MANIFEST, StateManifest, VersionedManifest
from mockserver.storage.state import State
from mockserver.world.migrations import FORMAT, can_migrate, checksum_of_tables

WORKSPACES = "workspaces"
"""The folder with all secrets: API keys, and secrets of webhooks and links. The state folder itself may belong to
somebody else and may hold other files, so an existing one keeps its mode."""
OWN = frozenset({WORKSPACES, "lock", "lost+found"})
"""Names in a new state folder that a start or a disk makes."""
OWN_STARTS = (".", STATE_MANIFEST)
"""Beginnings of such names: hidden files, and what a killed start has left of the manifest."""
MOST_NAMED = 5
"""Foreign files that are named in the log."""
LOG = logging.getLogger(__name__)


class FolderState(State):
    """A state folder."""

    def __init__(self, folder: Path, held: FolderLock | TemporaryFolder) -> None:
        self.folder = folder
        self._held = held

    def open_storage(self, get_hooks: GetHooks, results_root: ResultsRoot | None) -> Storage:
        durable = isinstance(self._held, FolderLock)
        return FolderStorage(self.folder / WORKSPACES, get_hooks, durable=durable, results_root=results_root)

    @classmethod
    def open(cls, folder: Path | None) -> FolderState:
        """Opens the folder of `--state`, created if needed; by default a temporary folder. Raises StartupError."""
        remove_abandoned_folders()
        if folder is None:
            temporary = TemporaryFolder()
            (temporary.path / WORKSPACES).mkdir()
            return cls(temporary.path, temporary)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FolderLock(folder)
        except BlockingIOError:
            raise StartupError(
                f"--state {folder} is in use by another server; stop that one, or give another folder"
            ) from None
        except OSError as error:
            raise StartupError(f"--state {folder}: {error.strerror}; give a folder that can be written") from None
        try:
            check_version(folder)
            make_private_folder(folder / WORKSPACES)
        except OSError as error:
            lock.release()
            raise StartupError(f"--state {folder}: {error.strerror}; give a folder that can be written") from None
        except BaseException:
            lock.release()
            raise
        return cls(folder, lock)

    def close(self) -> None:
        """Releases the folder; a temporary one is removed."""
        if isinstance(self._held, FolderLock):
            self._held.release()
        else:
            self._held.close()


def check_version(folder: Path) -> None:
    """Accepts an empty folder, which gets a manifest, or one that this version or an older one wrote. Its files are
    migrated when they are opened. Raises StartupError, OSError."""
    path = folder / STATE_MANIFEST
    mine = StateManifest(FORMAT, checksum_of_tables(), __version__)
    if not path.exists():
        if (folder / WORKSPACES).is_dir() and any((folder / WORKSPACES).iterdir()):
            raise StartupError(
                f"{folder / WORKSPACES} exists without {path}, so it is unknown which version of mockserver wrote it;"
                " give another folder, or move that one away"
            )
        _report_foreign_files(folder)
        write_atomically(path, msgspec.json.encode(mine), durable=True)
        return
    theirs = _read_state_manifest(path)
    if can_migrate(theirs.format, theirs.tables):
        write_atomically(path, msgspec.json.encode(mine), durable=True)
    elif (theirs.format, theirs.tables) != (mine.format, mine.tables):
        age = "a newer" if theirs.format > mine.format else "another"
        raise StartupError(
            f"{path} was written by {age} version of mockserver ({theirs.written_by}, format {theirs.format}); this is "
            f"{__version__}, format {FORMAT}: start that version, or give another folder"
        )


def _report_foreign_files(folder: Path) -> None:
    """Logs what is in a folder that becomes a state: its user may have meant another one. Raises OSError."""
    names = sorted({path.name for path in folder.iterdir() if not path.name.startswith(OWN_STARTS)} - OWN)
    if names:
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        LOG.warning(
            "%s held %s%s, which no mockserver wrote. It becomes a state folder all the same, and these stay as they"
            " are; give an empty folder if that one was not meant",
            folder, ", ".join(map(repr, names[:MOST_NAMED])), more,
        )  # fmt: skip


def _read_state_manifest(path: Path) -> StateManifest:
    """The manifest of a state folder. Raises StartupError if it is damaged, foreign, or of an unknown format."""
    try:
        raw = read_small_file(path)
    except OSError as error:
        raise StartupError(f"{path}: {error.strerror}; make it readable, or give another folder") from None
    try:
        versioned = decode(raw, VersionedManifest)
    except msgspec.DecodeError as error:
        raise StartupError(
            f"{path} is damaged or foreign ({error}); the workspaces beside it may be undamaged: start the server once "
            f"with an empty folder and copy its {STATE_MANIFEST} here, or give another folder"
        ) from None
    try:
        return decode(raw, StateManifest)
    except msgspec.DecodeError:
        return StateManifest(versioned.format, "", versioned.written_by)
