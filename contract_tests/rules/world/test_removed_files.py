"""A world whose file is removed while it is open."""

from contextlib import closing
from pathlib import Path

import pytest

from contract_tests.rules.worlds import generate_world
from mockserver.errors import Conflict, ResourceFailed
from mockserver.world import machine_failures
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Store


def test_a_world_that_is_removed_on_purpose_is_no_fault_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_failures, "_noted", {})  # each cause is logged once a minute
    path = tmp_path / "removed.sqlite"
    with closing(Store.create(SqliteDatabase(path), *generate_world())) as store:
        with store.hide_faults():
            path.rename(tmp_path / "elsewhere.sqlite")
            with pytest.raises(Conflict), store.change():
                pass
        assert caplog.messages == []


def test_a_world_that_somebody_removes_is_a_fault_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_failures, "_noted", {})  # each cause is logged once a minute
    path = tmp_path / "removed.sqlite"
    with closing(Store.create(SqliteDatabase(path), *generate_world())) as store:
        path.rename(tmp_path / "elsewhere.sqlite")
        with pytest.raises(ResourceFailed), store.change():
            pass
    assert [message for message in caplog.messages if str(path) in message]
