"""Worlds made once and copied."""

import os
import time
from contextlib import suppress
from pathlib import Path

import pytest

from contract_tests.rules.worlds import digest_world
from mockserver.errors import StartupError
from mockserver.generate import history, prepared
from mockserver.generate.prepared import build_cache_key, prepare_world
from mockserver.generate.scenario_files import find
from mockserver.world.store import Store

MINE = 'description = "d"\npeople = {people}\n'


def test_a_second_call_finds_what_the_first_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepare_world("default", seed=0, ends=None, cache=tmp_path)
    monkeypatch.delattr(history, "build_world")
    assert prepare_world("default", seed=0, ends=None, cache=tmp_path).path == first.path


def test_the_file_alone_is_the_world(tmp_path: Path) -> None:
    world = prepare_world("default", seed=0, ends=None, cache=tmp_path)
    assert [path.name for path in world.path.parent.iterdir()] == [world.path.name]
    world.copy_to(tmp_path / "copy.sqlite")
    stores = [Store(world), Store(type(world)(tmp_path / "copy.sqlite"))]
    assert digest_world(stores[0]) == digest_world(stores[1])
    for store in stores:
        store.close()


def test_a_changed_scenario_is_another_world(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(MINE.format(people=1))
    before = build_name(mine)
    mine.write_text(MINE.format(people=2))
    assert build_name(mine) != before


def build_name(file: Path, *, seed: int = 0, ends: int | None = 0) -> str:
    return build_cache_key(file.stem, file.read_bytes(), seed, ends)


@pytest.mark.parametrize(("seed", "ends"), [(1, 0), (-1, 0), (0, 1), (0, -1), (0, None)])
def test_another_seed_and_another_end_are_other_worlds(seed: int, ends: int | None) -> None:
    assert build_name(find("empty"), seed=seed, ends=ends) != build_name(find("empty"))


def test_every_module_that_worlds_are_made_by_is_in_the_name() -> None:
    """Also those in folders: a change in how clips are annotated must not find the old world."""
    package = Path(prepared.__file__).parents[1]
    sources = {path for room in ("generate", "world") for path in (package / room).rglob("*.py")}
    assert package / "generate" / "media" / "video.py" in sources
    assert sources <= set(map(Path, prepared._list_sources()))


def test_two_scenarios_of_one_name_do_not_share_a_world(tmp_path: Path) -> None:
    """A file of one's own may be called `default.toml` too."""
    (tmp_path / "empty.toml").write_text(MINE.format(people=1))
    assert build_name(tmp_path / "empty.toml") != build_name(find("empty"))


@pytest.mark.parametrize(("hours", "stays"), [(1, True), (25, False)])
def test_a_file_that_was_left_half_is_not_used_and_goes_after_a_day(tmp_path: Path, hours: int, stays: bool) -> None:
    """Before, another process may still write it."""
    name = prepare_world("empty", seed=0, ends=None, cache=tmp_path / "elsewhere").path.name
    half = tmp_path / "worlds" / f"{name}.0123456789ab.part"
    half.parent.mkdir()
    half.write_bytes(b"half a world")
    changed_at = time.time() - hours * 3600
    os.utime(half, (changed_at, changed_at))
    world = prepare_world("empty", seed=0, ends=None, cache=tmp_path)
    assert (world.path.name, half.exists()) == (name, stays)
    Store(world).close()


def test_a_world_that_could_not_be_made_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_more: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(history, "build_world", broken)
    with pytest.raises(ZeroDivisionError):
        prepare_world("empty", seed=0, ends=None, cache=tmp_path)
    assert list(tmp_path.rglob("*.sqlite*")) == []


def test_a_cache_that_cannot_be_written_is_reported_or_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with suppress(StartupError):
        assert prepare_world("empty", seed=0, ends=None, cache=tmp_path / "file").path.exists()


def test_a_scenario_of_any_file_name_can_be_prepared(tmp_path: Path) -> None:
    mine = tmp_path / f"{'x' * 200}.toml"
    mine.write_text(MINE.format(people=1))
    assert prepare_world(str(mine), seed=0, ends=None, cache=tmp_path).path.exists()
