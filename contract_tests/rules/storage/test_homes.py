"""The folders of workspaces: one is there as a whole or not at all, and its results go with it."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from mockserver.errors import Conflict
from mockserver.results.folder_results import FolderRoot
from mockserver.storage.damage import WorkspaceDamaged
from mockserver.storage.homes import Homes
from mockserver.storage.interface import new_manifest
from mockserver.storage.manifest import Origin, WorkspaceManifest

KEY = "a-key"


@pytest.fixture
def manifest() -> WorkspaceManifest:
    return new_manifest(KEY, Origin("empty"), incarnation=None)


@pytest.fixture(params=[True, False], ids=["durable", "not durable"])
def homes(request: pytest.FixtureRequest, tmp_path: Path) -> Homes:
    (tmp_path / "workspaces").mkdir()
    return Homes(tmp_path / "workspaces", durable=request.param, results_root=FolderRoot(tmp_path / "results"))


def create(homes: Homes, manifest: WorkspaceManifest, *, in_place: bool) -> AbstractContextManager[Path]:
    return homes.create_in_place(manifest) if in_place else homes.create(manifest)


def create_half(homes: Homes, manifest: WorkspaceManifest, *, in_place: bool) -> None:
    with create(homes, manifest, in_place=in_place) as folder:
        (folder / manifest.life / "world.sqlite").write_bytes(b"half")
        raise ZeroDivisionError


@pytest.mark.parametrize("in_place", [True, False])
def test_a_workspace_whose_creation_fails_is_not_there(
    homes: Homes, manifest: WorkspaceManifest, tmp_path: Path, *, in_place: bool
) -> None:
    with pytest.raises(ZeroDivisionError):
        create_half(homes, manifest, in_place=in_place)
    assert list((tmp_path / "workspaces").iterdir()) == []


@pytest.mark.parametrize("in_place", [True, False])
def test_a_workspace_is_in_the_folder_of_its_key_and_nothing_takes_its_place(
    homes: Homes, manifest: WorkspaceManifest, *, in_place: bool
) -> None:
    with create(homes, manifest, in_place=in_place) as folder:
        manifest.write(folder, durable=False)
    home = homes.get_path(KEY)
    assert homes.list_all() == [home]
    assert homes.read_manifest(home) == manifest
    with pytest.raises(Conflict, match="in the way"), create(homes, manifest, in_place=in_place):
        raise AssertionError("there is one already")
    assert homes.read_manifest(home) == manifest


def test_a_copy_under_another_name_is_no_workspace(homes: Homes, manifest: WorkspaceManifest) -> None:
    with homes.create(manifest) as folder:
        manifest.write(folder, durable=False)
    copy = homes.get_path(KEY).rename(homes.get_path("another-key"))
    with pytest.raises(WorkspaceDamaged, match="is a copy of"):
        homes.read_manifest(copy)


def test_the_results_of_a_workspace_are_deleted_with_it(
    homes: Homes, manifest: WorkspaceManifest, tmp_path: Path
) -> None:
    with homes.create(manifest):
        pass
    results = tmp_path / "results" / manifest.life
    results.mkdir(parents=True)
    closed: list[bool] = []
    homes.delete(KEY, close=lambda: closed.append(homes.get_path(KEY).exists()))
    assert closed == [False], "what uses it is ended when its place is free"
    assert list((tmp_path / "workspaces").iterdir()) == []
    assert not results.exists()


def test_what_a_killed_process_left_is_removed_and_workspaces_are_not(
    homes: Homes, manifest: WorkspaceManifest, tmp_path: Path
) -> None:
    with homes.create(manifest) as folder:
        manifest.write(folder, durable=False)
    for name in (".new-1", ".old-2"):
        (tmp_path / "workspaces" / name / "life-000000000000").mkdir(parents=True)
    assert homes.list_all() == [homes.get_path(KEY)]
    homes.remove_unfinished()
    assert list((tmp_path / "workspaces").iterdir()) == [homes.get_path(KEY)]
