"""A world whose file is removed while it is open."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from contract_tests.rules.worlds import generate_world
from mockserver.errors import Conflict, ResourceFailed
from mockserver.world import machine_failures
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "removed.sqlite"


@pytest.fixture
def store(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(machine_failures, "_noted", {})  # each cause is logged once a minute
    with closing(Store.create(SqliteDatabase(path), *generate_world())) as store:
        yield store


def test_a_world_that_is_removed_on_purpose_is_no_fault_in_the_log(
    store: Store, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with store.hide_faults():
        path.rename(path.with_name("elsewhere.sqlite"))
        with pytest.raises(Conflict), store.change():
            pass
    assert caplog.messages == []


def test_a_world_that_somebody_removes_is_a_fault_in_the_log(
    store: Store, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.rename(path.with_name("elsewhere.sqlite"))
    with pytest.raises(ResourceFailed), store.change():
        pass
    assert [message for message in caplog.messages if str(path) in message]


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_removed_file_is_named_also_if_the_engine_notices_it_first(store: Store, path: Path, suffix: str) -> None:
    """It calls that a disk which fails, or not, by what it does with the file at that moment."""
    with store.change():
        pass  # the log is known since the first change
    removed = path.with_name(path.name + suffix)
    removed.unlink()
    with pytest.raises(ResourceFailed) as raised, store.change():
        raise apsw.IOError("disk I/O error")
    assert f"It was deleted or moved while the server runs: {removed}:" in raised.value.message


def test_a_disk_that_fails_is_named_while_all_files_are_in_their_places(store: Store, path: Path) -> None:
    with pytest.raises(ResourceFailed, match=f"The disk failed to read or write {path}: "), store.change():
        raise apsw.IOError("disk I/O error")
