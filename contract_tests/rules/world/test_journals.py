"""The rows of journals in PostgreSQL: written by the owner of a life alone, within bounds, removed with their life."""

from collections.abc import Iterator

import pytest

from contract_tests.rules.storage.test_ownership import Server, Servers
from mockserver.errors import ResourceFailed
from mockserver.generate.prepared import prepare_world
from mockserver.journal.table import Batch, Head, Place
from mockserver.storage.interface import Life
from mockserver.world.postgres.journals import JournalRows


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    world = prepare_world("empty", seed=0, ends=None, cache=tmp_path_factory.mktemp("cache"))
    servers = Servers(world)
    yield servers
    servers.close()


def place_of(life: Life) -> Place:
    assert life.journal is not None
    return life.journal


def write(server: Server, place: Place, numbers: range, *, oldest: int = 1, content: bytes = b"\x00\xff") -> None:
    entries = [(number, content) for number in numbers]
    JournalRows(server.pool).write([Batch(place, numbers.stop - 1, oldest, entries)])


def read(server: Server, place: Place) -> list[int]:
    return [number for number, _ in JournalRows(server.pool).read(place.life, range(1, 1000))]


def test_entries_of_several_lives_are_written_together_and_read_by_their_numbers(servers: Servers) -> None:
    server = servers.join("first")
    places = [place_of(servers.create(server, key)) for key in ("together-a", "together-b")]
    rows = JournalRows(server.pool)
    rows.write([Batch(place, 2, 1, [(1, b"\x00\xff"), (2, b"")]) for place in places])
    for place in places:
        assert rows.read_head(place.life) == Head(2, 1)
        assert rows.read(place.life, range(1, 3)) == [(1, b"\x00\xff"), (2, b"")]
        assert rows.read(place.life, range(2, 9)) == [(2, b"")]
    assert rows.read_head(10**9) == Head()


def test_writing_again_changes_nothing_and_the_oldest_are_deleted(servers: Servers) -> None:
    server = servers.join("first")
    place = place_of(servers.create(server, "again"))
    write(server, place, range(1, 6))
    write(server, place, range(4, 8), oldest=3, content=b"other")
    rows = JournalRows(server.pool)
    assert rows.read(place.life, range(1, 9)) == [
        *((number, b"\x00\xff") for number in range(3, 6)),
        *((number, b"other") for number in (6, 7)),
    ]
    [size] = servers.watch.execute(
        b"SELECT bytes FROM mockserver_data.journal WHERE life = %s", [place.life]
    ).fetchone() or [None]
    assert size == 3 * 2 + 2 * 5


def test_a_lost_server_writes_and_deletes_no_entry(servers: Servers) -> None:
    first, second = servers.join("first"), servers.join("second")
    lost = place_of(servers.create(first, "fenced"))
    write(first, lost, range(1, 4))
    servers.declare_dead(first)
    place = place_of(second.open("fenced"))
    assert JournalRows(second.pool).read_head(place.life) == Head(3, 1)
    write(second, place, range(4, 5))
    with pytest.raises(ResourceFailed):
        write(first, lost, range(4, 9), oldest=4)
    with pytest.raises(ResourceFailed):
        JournalRows(first.pool).clear(lost)
    with pytest.raises(ResourceFailed):
        JournalRows(first.pool).trim(0)
    assert read(second, place) == [1, 2, 3, 4]


def test_a_server_writes_nothing_in_a_life_of_another_one(servers: Servers) -> None:
    first, second = servers.join("first"), servers.join("second")
    place = place_of(servers.create(first, "of-first"))
    write(second, place, range(1, 4))
    assert read(first, place) == []
    with pytest.raises(ResourceFailed):
        JournalRows(second.pool).clear(place)


def test_a_removed_life_leaves_no_entries(servers: Servers) -> None:
    server = servers.join("first")
    life = servers.create(server, "removed")
    write(server, place_of(life), range(1, 4))
    life.store.close()
    server.storage.delete("removed")
    write(server, place_of(life), range(4, 6))  # a request that ends after the removal
    assert read(server, place_of(life)) == []
    assert JournalRows(server.pool).read_head(place_of(life).life) == Head()


def test_the_journals_that_were_written_longest_ago_make_room(servers: Servers) -> None:
    server = servers.join("first")
    old, new = (place_of(servers.create(server, key)) for key in ("old", "new"))
    rows = JournalRows(server.pool)
    write(server, old, range(1, 11), content=b"x" * 100)
    write(server, new, range(1, 11), content=b"x" * 100)
    rows.trim(1 + 1000 // servers.count("replica"))
    assert (read(server, old), read(server, new)) == ([], [*range(1, 11)])
    assert rows.read_head(old.life) == Head(10, 11), "its next request has the next number"
    write(server, old, range(11, 13), oldest=11)
    assert read(server, old) == [11, 12]
