"""A replica that was stopped for longer than its lease wakes up without its workspaces: it can change nothing, and it
shows what others have changed."""

import json
import signal
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection

import psycopg
import pytest

from contract_tests.crash.killing import SCENARIO
from contract_tests.databases import create_database
from contract_tests.receiving import SECRET, Answer, Received, Receiver
from contract_tests.replicas.journal import Journal
from contract_tests.replicas.observing import PatientConnection, list_projects, wait_until_settled
from contract_tests.replicas.replicas import Replica, Replicas
from contract_tests.replicas.requesting import Connection, Unanswered
from mockserver.world.postgres.tables import DATA

CREATE = "mutation($name: String!){createProject(data: {name: $name}){id}}"
LIST = "{projects(first: 1000){name}}"
WAITING = 8
"""Requests that an owner receives while it is stopped."""
EVENT = {"event": "LABEL_CREATED", "project": "image"}


@pytest.fixture(scope="module")
def database() -> str:
    return create_database()


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[Replicas]:
    states = [database] * 2
    with Replicas(tmp_path_factory.mktemp("replicas"), states, "--scenario", str(SCENARIO)) as replicas:
        yield replicas


def test_a_sender_that_wakes_after_its_lease_records_nothing(replicas: Replicas) -> None:
    """The sender is stopped while its message is on the way, so it learns of the answer only when it wakes. By then
    another replica has taken over and sent the message again, and only that attempt is on record."""
    sender = replicas.all[0]
    through_sender, through_other = (PatientConnection(replica.url, Journal()) for replica in replicas.all)

    def answer(received: list[Received]) -> Answer:
        if len(received) > 1:
            return Answer()
        sender.send(signal.SIGSTOP)
        return Answer(status=500)

    with Receiver(answer) as receiver:
        key = through_sender.control("POST", "workspaces", {"api_key": "fenced"})["api_key"]
        hook = {"url": receiver.url, "secret": SECRET, "topics": ["LABEL_CREATED"], "retries": [3600]}
        through_sender.control("POST", "webhooks", hook, key=key)
        with suppress(Unanswered):  # it may be stopped before it has answered
            Connection(sender.url, Journal()).control("POST", "events", EVENT, key=key)
        try:
            [delivery] = wait_until_settled(through_other, key)
        finally:
            sender.send(signal.SIGCONT)
        assert [attempt["status"] for attempt in delivery["attempts"]] == [200]
        for number in range(3):
            through_sender.ask(key, CREATE, name=f"after {number}")
            assert wait_until_settled(through_sender, key) == [delivery]
        assert {(item.id, item.body) for item in receiver.received} == {(delivery["id"], delivery["body"].encode())}


def test_an_owner_that_wakes_after_its_lease_shows_what_others_have_changed(replicas: Replicas) -> None:
    """It has kept what it has read, and requests have waited for it that were sent after the change."""
    owner = replicas.all[0]
    through_owner, through_other = (PatientConnection(replica.url, Journal()) for replica in replicas.all)
    key = through_owner.control("POST", "workspaces", {"api_key": "woken"})["api_key"]
    through_owner.ask(key, CREATE, name="first")
    for _ in range(2):
        assert "first" in list_projects(through_owner, key)
    owner.send(signal.SIGSTOP)
    try:
        through_other.ask(key, CREATE, name="second")
        waiting = [send_list(owner, key) for _ in range(WAITING)]
    finally:
        owner.send(signal.SIGCONT)
    for connection in waiting:
        assert {"first", "second"} <= read_names(connection)
    assert {"first", "second"} <= set(list_projects(through_owner, key))


def test_an_owner_that_is_stopped_within_a_transaction_is_replaced(replicas: Replicas, database: str) -> None:
    """In such a transaction nobody can declare it dead, and the others do not wait for its end."""
    owner, other = replicas.all
    through_owner, through_other = (PatientConnection(replica.url, Journal()) for replica in replicas.all)
    key = through_owner.control("POST", "workspaces", {"api_key": "within"})["api_key"]
    [number] = [each["number"] for each in through_owner.control("GET", "replicas")["replicas"] if each["this"]]
    transaction = psycopg.connect(database, application_name=f"mockserver-{number}")
    transaction.execute(f"SELECT 1 FROM {DATA}.replica WHERE no = %s FOR KEY SHARE", [number])
    owner.send(signal.SIGSTOP)
    try:
        through_other.ask(key, CREATE, name="second")
        assert other.is_healthy()
        with pytest.raises(psycopg.OperationalError):
            transaction.execute("SELECT 1")
    finally:
        owner.send(signal.SIGCONT)
        transaction.close()
    assert "second" in list_projects(through_owner, key)


def send_list(replica: Replica, key: str) -> HTTPConnection:
    """Sends a request for the names of all projects, without waiting for its answer."""
    connection = HTTPConnection("127.0.0.1", replica.port, timeout=60)
    body, headers = json.dumps({"query": LIST}), {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST", "/graphql", body, headers)
    return connection


def read_names(connection: HTTPConnection) -> set[str]:
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return {project["name"] for project in answer["data"]["projects"]}
