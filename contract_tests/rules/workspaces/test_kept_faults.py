"""The counts of faults are rows of the world: where a server is restarted does not change which calls are hit."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.rules.worlds import build_database, open_store
from mockserver.errors import Conflict, NotFound
from mockserver.faults.armed import ActiveFaults, Faults
from mockserver.faults.rule import MOST_CHARACTERS, MOST_RULES, FaultRule, encode_rule
from mockserver.jobs.long_changes import LongChanges
from mockserver.workspaces.kept_faults import KeptFaults
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.clock import SECOND
from mockserver.world.store import Store


def open_faults(store: Store, active: ActiveFaults | None = None) -> Faults:
    """The faults of a store as the next server has them."""
    faults = Faults(active or ActiveFaults(), store.clock.now, KeptFaults(store, LongChanges(store)))
    faults.load()
    return faults


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store whose clock is frozen."""
    with open_store(build_database(tmp_path_factory.mktemp("faults")), "empty") as store:
        store.clock.freeze()
        yield store


def hit(faults: Faults) -> str | None:
    """The id of the fault that hits the next call."""
    fault = asyncio.run(faults.hit_call("POST", "/graphql", None))
    return None if fault is None else fault.id


RULES = st.builds(
    FaultRule,
    fault=st.sampled_from(["server_error", "slow", "rate_limited"]),
    first=st.integers(1, 4),
    times=st.one_of(st.integers(1, 4), st.just("every")),
    share=st.sampled_from([0.5, 1.0]),
    seed=st.integers(0, 3),
)
LIMITED = st.builds(FaultRule, fault=st.just("rate_limited"), limit=st.integers(0, 3), window=st.just(10.0))
CALLS = 12


@settings(max_examples=40)
@given(
    rules=st.lists(st.one_of(RULES, LIMITED), min_size=1, max_size=4),
    seconds=st.lists(st.integers(0, 8), min_size=CALLS, max_size=CALLS),
    restarts=st.sets(st.integers(0, CALLS)),
)
def test_restarts_change_neither_hits_nor_counts(
    rules: list[FaultRule], seconds: list[int], restarts: set[int], shared: Store
) -> None:
    def run(restarts: set[int]) -> object:
        WorkspaceSettings(shared).begin_life(name="next")
        shared.clock.set(0)
        faults = open_faults(shared)
        faults.begin(rules)
        hits = []
        for number in range(CALLS):
            if number in restarts:
                faults = open_faults(shared)
            shared.clock.advance(seconds[number] * SECOND)
            hits.append(hit(faults))
        return hits, open_faults(shared).list_states()

    assert run(restarts) == run(set())


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(build_database(tmp_path_factory.mktemp("faults")), "empty") as store:
        yield store


def test_no_fault_has_the_id_of_an_earlier_one(store: Store) -> None:
    faults = open_faults(store)
    first = faults.add(FaultRule(fault="slow"))
    faults.remove(first.id)
    assert open_faults(store).list_states() == []
    assert open_faults(store).add(FaultRule(fault="slow")).id == "fault-2"
    with pytest.raises(NotFound, match="the nearest known are"):
        open_faults(store).find("fault-1")


def test_the_next_life_begins_without_the_faults(store: Store) -> None:
    open_faults(store).add(FaultRule(fault="slow"))
    WorkspaceSettings(store).begin_life(name="next")
    assert open_faults(store).list_states() == []
    assert store.workspace.requested_faults == 0


def test_faults_are_as_many_as_are_allowed_after_a_restart_too(store: Store) -> None:
    open_faults(store).begin([FaultRule(fault="slow")] * MOST_RULES)
    with pytest.raises(Conflict, match="200 faults are requested already"):
        open_faults(store).add(FaultRule(fault="slow"))


def test_a_hit_within_a_change_that_is_not_committed_is_not_counted(store: Store) -> None:
    faults = open_faults(store)
    faults.add(FaultRule(fault="export_fails"))
    with contextlib.suppress(ZeroDivisionError), store.change():
        assert faults.hit_export() is not None
        raise ZeroDivisionError
    assert faults.list_states()[0].hits == 0
    assert faults.hit_export() is not None
    assert faults.hit_export() is None


def test_a_closed_workspace_leaves_its_faults_and_counts_as_having_none(store: Store) -> None:
    active = ActiveFaults()
    faults = open_faults(store, active)
    faults.add(FaultRule(fault="slow"))
    assert active.count == 1
    faults.close()
    assert active.count == 0
    assert len(open_faults(store).list_states()) == 1


def test_the_rules_of_a_workspace_have_a_bounded_size(store: Store) -> None:
    """Each may name 10,000 data rows: 200 such rules took 170 MB of memory, and 56 MB to list."""
    faults = open_faults(store)
    rule = FaultRule(fault="export_rows_fail", data_rows=[f"c{number:024}" for number in range(10_000)])
    times = MOST_CHARACTERS // len(encode_rule(rule))
    states = [faults.add(rule) for _ in range(times)]
    with pytest.raises(Conflict, match="more than 4,194,304 characters; name fewer data_rows"):
        faults.add(rule)
    faults.remove(states[0].id)
    assert faults.add(rule).rule == rule
