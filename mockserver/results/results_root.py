"""The place of the results of a server, as `--results` says."""

from __future__ import annotations

from pathlib import Path

from mockserver.errors import ResourceFailed, StartupError
from mockserver.results.folder_results import FolderRoot
from mockserver.results.interface import ResultsRoot


def open_results_root(place: str | None, *, signed: bool) -> ResultsRoot | None:
    """The root of all results in a folder or an object store; None if each workspace keeps its own.

    `signed`: clients are sent to URLs of the store. Raises StartupError.
    """
    if place is None:
        return None
    root = _open_objects(place, signed=signed) if "://" in place else _open_folder(Path(place))
    if (failure := root.find_failure()) is not None:
        raise StartupError(f"--results {place} cannot be used: {failure}")
    return root


def _open_folder(folder: Path) -> FolderRoot:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartupError(f"--results {folder}: {error.strerror}; give a folder that can be written") from None
    return FolderRoot(folder)


def _open_objects(url: str, *, signed: bool) -> ResultsRoot:
    try:
        from mockserver.results.object_results import ObjectRoot  # noqa: PLC0415  obstore is optional
        from mockserver.results.object_store import open_object_store  # noqa: PLC0415  as above
    except ImportError:
        raise StartupError(
            f"--results {url} needs the extra `s3`; install it by pip install 'labelbox-mockserver[s3]', or give a"
            " folder"
        ) from None
    root = ObjectRoot(open_object_store(url))
    if signed:
        try:
            root.check_signing()
        except ResourceFailed as failure:
            raise StartupError(f"--results-redirect needs a store that signs URLs: {failure.message}") from None
    return root
