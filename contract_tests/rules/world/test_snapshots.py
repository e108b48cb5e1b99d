"""Snapshots of a world, on both engines."""

from contract_tests.rules.world.test_store import project
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.clause import Clause
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import Body
from mockserver.world.records.projects import Project
from mockserver.world.store import Store


def test_a_snapshot_sees_the_moment_it_was_opened_while_writes_go_on(store: Store) -> None:
    snapshot = store.snapshot()
    before = {item.name for item in snapshot.select(Project)}
    old = project(store)
    CatalogChanges(store).create_project(name="later")
    CatalogChanges(store).update_project(old.id, name="renamed")
    assert {item.name for item in snapshot.select(Project)} == before
    snapshot.close()
    with store.reading() as connection:
        now = {item.name for item in connection.select(Project)}
    assert now == before - {old.name} | {"later", "renamed"}


def test_a_snapshot_is_read_in_pieces_while_others_ask_it_too(store: Store) -> None:
    snapshot = store.snapshot()
    seen = []
    for piece in snapshot.pieces("SELECT no FROM data_row ORDER BY no", {}, 5):
        seen += [row[0] for row in piece]
        assert snapshot.count(Body) > 0
        CatalogChanges(store).create_dataset(name=f"after {len(seen)}")
    snapshot.close()
    with store.reading() as connection:
        assert seen == list(range(1, connection.count(DataRow) + 1))


def test_rows_are_read_in_pieces_outside_of_a_snapshot_too(store: Store) -> None:
    with store.reading() as connection:
        pieces = connection.pieces("SELECT no FROM data_row ORDER BY no", {}, 5)
        seen = [row[0] for piece in pieces for row in piece if connection.count(Body) > 0]
        assert seen == list(range(1, connection.count(DataRow) + 1))
        assert next(connection.pieces("SELECT no FROM data_row ORDER BY no", {}, 5)), "the rest need not be read"
    with store.change() as change:
        change.connection.update(Project, Clause("TRUE"), name="changed")
        [names, *_] = change.connection.pieces("SELECT name FROM project", {}, 5)
        assert set(names) == {("changed",)}, "a change sees itself"


def test_two_snapshots_see_their_own_moments(store: Store) -> None:
    first = store.snapshot()
    CatalogChanges(store).create_project(name="between")
    second = store.snapshot()
    assert second.count(Project) == first.count(Project) + 1
    first.close()
    second.close()
