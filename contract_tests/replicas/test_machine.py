"""Whatever one client does through whichever replica, it sees one service; replicas that are lost in between cost it no
answer. Hypothesis chooses the requests, the replicas and the losses."""

import os
import signal
import time
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from contract_tests.crash.killing import SCENARIO
from contract_tests.databases import create_database
from contract_tests.receiving import Receiver
from contract_tests.replicas import exporting
from contract_tests.replicas.clients import CREATE_PROJECT, PROJECT, RETRIES
from contract_tests.replicas.counting import MESSAGE
from contract_tests.replicas.journal import Journal
from contract_tests.replicas.models import Model, StartedExport
from contract_tests.replicas.observing import list_projects, read_clock, wait_until_settled
from contract_tests.replicas.replicas import Replicas
from contract_tests.replicas.requesting import Connection, Unanswered

REPLICAS = 3
STEPS = 25
EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "3"))
PROBE = "query Probe {user {id}}"
CLOCK_SLACK = 1.0
"""Seconds by which two clocks of one machine may differ."""
KEYS = count(1)
"""No example meets the workspaces of another one."""
number = st.integers(0, REPLICAS - 1)
pick = st.integers(0, 99)


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    states = [create_database()] * REPLICAS
    with Replicas(tmp_path_factory.mktemp("replicas"), states, "--scenario", str(SCENARIO)) as replicas:
        yield replicas


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


class OneService(RuleBasedStateMachine):
    """A client of several replicas."""

    def __init__(self, replicas: Replicas, receiver: Receiver) -> None:
        super().__init__()
        self.replicas, self.receiver, self.journal = replicas, receiver, Journal()
        urls = [replica.url for replica in replicas.all]
        self.through = [Connection(url, self.journal, also_asked=urls) for url in urls]
        self.models: dict[str, Model] = {}
        self.names = count(1)
        self.lost = False
        self.create(0)

    def choose(self, chosen: int) -> tuple[str, Model]:
        return sorted(self.models.items())[chosen % len(self.models)]

    # Workspaces

    @rule(through=number)
    def create(self, through: int) -> None:
        key = f"machine-{next(KEYS)}"
        self.through[through].control("POST", "workspaces", {"api_key": key})
        self.models[key] = Model()

    @rule(through=number, chosen=pick)
    def fork(self, through: int, chosen: int) -> None:
        source, model = self.choose(chosen)
        key = f"machine-{next(KEYS)}"
        self.through[through].control("POST", "workspaces", {"api_key": key, "fork_of": source})
        self.models[key] = model.fork()

    @rule(through=number, chosen=pick)
    def reset(self, through: int, chosen: int) -> None:
        key, model = self.choose(chosen)
        self.through[through].control("POST", "reset", key=key)
        self.models[key] = model.reset()

    @precondition(lambda self: len(self.models) > 1)
    @rule(through=number, chosen=pick)
    def delete(self, through: int, chosen: int) -> None:
        key, _ = self.choose(chosen)
        self.through[through].control("DELETE", f"workspaces/{key}")
        del self.models[key]

    # Changes

    @rule(through=number, chosen=pick)
    def create_project(self, through: int, chosen: int) -> None:
        key, model = self.choose(chosen)
        name = f"project {next(self.names)}"
        self.through[through].ask(key, CREATE_PROJECT, name=name)
        model.now.projects.add(name)

    @rule(through=number, chosen=pick, labelled=st.booleans())
    def create_row(self, through: int, chosen: int, labelled: bool) -> None:
        """A row, or a row and its label."""
        key, model = self.choose(chosen)
        name = f"row-{next(self.names)}"
        kinds = ["DATA_ROW_CREATED", *(["LABEL_CREATED"] if labelled else [])]
        events = [{"event": kind, "project": PROJECT, "data_row": name} for kind in kinds]
        self.through[through].control("POST", "events/many", {"events": events}, key=key)
        model.now.rows.add(name)
        if labelled and model.reported is not None:
            model.reported.add(name)

    @rule(through=number, chosen=pick)
    def subscribe(self, through: int, chosen: int) -> None:
        key, model = self.choose(chosen)
        if model.reported is None:
            # A workspace that is reset has another path, so that messages of its former life are not counted.
            url = f"{self.receiver.url}/{next(self.names)}/{key}"
            hook = {"url": url, "secret": "secret", "topics": ["LABEL_CREATED"], "retries": RETRIES}
            self.through[through].control("POST", "webhooks", hook, key=key)
            model.reported, model.receiver = set(), url

    @rule(through=number, chosen=pick, seconds=st.integers(1, 1000))
    def move_clock(self, through: int, chosen: int, seconds: int) -> None:
        key, _ = self.choose(chosen)
        began, before = time.time(), read_clock(self.through[through - 1], key)
        self.through[through].control("POST", "clock", {"advance": seconds}, key=key)
        moved = read_clock(self.through[through - 2], key) - before
        assert seconds - CLOCK_SLACK <= moved <= seconds + time.time() - began + CLOCK_SLACK

    # What a test requests

    @rule(through=number, chosen=pick, times=st.integers(1, 3))
    def request_fault(self, through: int, chosen: int, times: int) -> None:
        key, model = self.choose(chosen)
        if not model.faults:
            body = {"fault": "server_error", "operation": "Probe", "status": 503, "times": times, "message": MESSAGE}
            self.through[through].control("POST", "faults", body, key=key)
            model.faults = times

    @rule(through=number, chosen=pick)
    def probe(self, through: int, chosen: int) -> None:
        key, model = self.choose(chosen)
        if model.faults:
            with pytest.raises(Unanswered, match=MESSAGE):
                self.through[through].ask(key, PROBE)
            model.faults -= 1
        else:
            self.through[through].ask(key, PROBE)

    @rule(through=number, chosen=pick, times=st.integers(1, 2))
    def request_failures(self, through: int, chosen: int, times: int) -> None:
        key, model = self.choose(chosen)
        if not model.failures:
            body = {"fault": "export_fails", "times": times, "message": MESSAGE}
            self.through[through].control("POST", "faults", body, key=key)
            model.failures = times

    # Exports

    @rule(through=number, chosen=pick, looks=st.integers(0, 3))
    def start_export(self, through: int, chosen: int, looks: int) -> None:
        key, model = self.choose(chosen)
        connection = self.through[through]
        connection.control("POST", "progression", {"exports": {"looks": looks}}, key=key)
        project = self.through[through - 1].control("GET", "ready", key=key)["projects"][PROJECT]
        model.start(exporting.start(connection, self.journal, key, project), looks)

    @precondition(lambda self: any(model.exports for model in self.models.values()))
    @rule(through=number, chosen=pick, polls=st.integers(1, 3))
    def poll(self, through: int, chosen: int, polls: int) -> None:
        """An export is polled through another replica than it was started."""
        started = [each for model in self.models.values() for each in model.exports]
        followed = started[chosen % len(started)]
        for turn in range(polls):
            if followed.export.status == "IN_PROGRESS":
                exporting.poll(self.through[(through + turn) % REPLICAS], followed.export)
        self.check_export(followed)

    def check_export(self, started: StartedExport) -> None:
        if started.export.status != "IN_PROGRESS":
            assert started.describe_error(MESSAGE) is None

    # Losses

    @precondition(lambda self: not self.lost)
    @rule(which=number, how=st.sampled_from([signal.SIGKILL, signal.SIGTERM]))
    def lose(self, which: int, how: signal.Signals) -> None:
        """A replica is lost between two requests, and another one is started at its address."""
        process = self.replicas.all[which]
        pid = process.pid
        process.send(how)
        self.replicas.wait_until_replaced(process, pid)
        self.note_loss()

    @precondition(lambda self: not self.lost)
    @rule(which=number)
    def freeze(self, which: int) -> None:
        """A replica is stopped, until others have answered for all workspaces, and goes on then."""
        process = self.replicas.all[which]
        process.send(signal.SIGSTOP)
        try:
            for key in self.models:
                self.check(which - 1, key)
        finally:
            process.send(signal.SIGCONT)
        self.replicas.wait_until_healthy()
        self.note_loss()

    def note_loss(self) -> None:
        self.lost = True
        for model in self.models.values():
            for started in model.exports:
                started.may_be_lost = True

    # What must be true

    @invariant()
    def every_replica_shows_the_same(self) -> None:
        key, _ = self.choose(next(self.names))
        self.check(next(self.names) % REPLICAS, key)

    def check(self, through: int, key: str) -> None:
        seen = list_projects(self.through[through], key)
        assert {name for name in seen if name.startswith("project ")} == self.models[key].now.projects

    def teardown(self) -> None:
        for through, (key, model) in enumerate(self.models.items()):
            connection = self.through[through % REPLICAS]
            for started in model.exports:
                exporting.finish(connection, started.export)
                self.check_export(started)
            if model.reported is not None:
                deliveries = wait_until_settled(connection, key)
                received = [item for item in self.receiver.received if model.receiver.endswith(item.path)]
                assert model.list_wrong_deliveries(deliveries, received) == []
            connection.control("DELETE", f"workspaces/{key}")
        assert self.journal.faults == []


@pytest.mark.timeout(300 + 60 * EXAMPLES)
def test_several_replicas_are_one_service(replicas: Replicas, receiver: Receiver) -> None:
    how = settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck),
        derandomize="MACHINE_EXAMPLES" not in os.environ, phases=[Phase.generate], database=None, deadline=None,
    )  # fmt: skip
    run_state_machine_as_test(lambda: OneService(replicas, receiver), settings=how)  # type: ignore[arg-type]  # a factory will do
    assert replicas.list_crashes() == []
