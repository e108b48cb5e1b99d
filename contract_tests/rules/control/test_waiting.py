"""Requests that wait for deliveries: they hold nobody else up, and end with what they wait for."""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from contract_tests.receiving import Answer, Received, Receiver
from contract_tests.rules.worlds import build_database, open_store
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for
from mockserver.control.waiting import MOST_WAITING, Waiting
from mockserver.errors import Conflict, NotFound
from mockserver.testing import MockWorkspace
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.changes.deliveries import Deliveries

WAITERS = 200


@contextmanager
def hold_delivery(workspace: MockWorkspace) -> Iterator[threading.Event]:
    """A delivery whose receiver answers when the event is set."""
    over = threading.Event()

    def answer(_received: list[Received]) -> Answer:
        over.wait(60)
        return Answer()

    with Receiver(answer) as receiver:
        workspace.webhook(receiver.url)
        workspace.event("LABEL_UPDATED", "image")
        try:
            yield over
        finally:
            over.set()


def wait_for_deliveries(workspace: MockWorkspace, stack: ExitStack) -> http.client.HTTPConnection:
    """A request on its way."""
    connection = http.client.HTTPConnection(urlsplit(workspace.url).netloc, timeout=90)
    stack.callback(connection.close)
    connection.request("GET", f"/_mock/deliveries?wait=60&api_key={workspace.api_key}")
    return connection


def test_controls_and_files_are_served_beside_200_who_wait(server: ServedWorld, workspace: MockWorkspace) -> None:
    """Nobody waits in a thread: the others would be answered only after the wait, which ends only after them."""
    row = workspace.expected_rows("image", params={"data_row_details": True, "project_details": True})[0]
    asset = str(row["data_row"]["row_data"])
    with hold_delivery(workspace) as over, ExitStack() as stack:
        waiting = [wait_for_deliveries(workspace, stack) for _ in range(WAITERS)]
        for _ in range(20):
            assert workspace.clock.now
            assert requests.get(asset, timeout=30).ok
            assert workspace.expected_rows("image")
            assert requests.get(f"{server.url}/_mock/health", timeout=30).ok
        over.set()
        answers = [json.loads(connection.getresponse().read()) for connection in waiting]
    assert [answer["settled"] for answer in answers] == [True] * WAITERS
    assert {answer["deliveries"][0]["state"] for answer in answers} == {"DELIVERED"}


def test_a_waiting_client_is_answered_when_the_workspace_is_reset(workspace: MockWorkspace) -> None:
    with hold_delivery(workspace), ExitStack() as stack:
        waiting = [wait_for_deliveries(workspace, stack) for _ in range(3)]
        assert workspace.clock.now
        workspace.reset()
        answers = [connection.getresponse() for connection in waiting]
        # One that the server read only after the reset waits for nothing.
        assert {answer.status for answer in answers} <= {200, 409}
        assert all(b"MOCKSERVER_BUG" not in answer.read() for answer in answers)


def test_a_wait_ends_after_its_seconds(workspace: MockWorkspace) -> None:
    with hold_delivery(workspace):
        answer = requests.get(
            f"{workspace.url}/_mock/deliveries", params={"api_key": workspace.api_key, "wait": "0.05"}, timeout=30
        ).json()
    assert (answer["settled"], answer["deliveries"][0]["state"]) == (False, "PENDING")


def test_clients_that_have_left_give_their_places_to_others(server: ServedWorld, workspace: MockWorkspace) -> None:
    """Half of the places are for one workspace; so many ask, and close their connections immediately."""
    with hold_delivery(workspace):
        request = f"GET /_mock/deliveries?api_key={workspace.api_key}&wait=60 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        for _ in range(MOST_WAITING // 2 // 50):
            leave(server, request.encode(), 50)
        query = {"api_key": workspace.api_key, "wait": "0.05"}
        wait_for(
            lambda: requests.get(f"{server.url}/_mock/deliveries", params=query, timeout=30).status_code,
            lambda status: status != HTTPStatus.CONFLICT,
        )


def leave(server: ServedWorld, request: bytes, times: int) -> None:
    """Sends a request on so many connections, and close them without reading the answers."""
    address = urlsplit(server.url)
    connections = [socket.create_connection((address.hostname, address.port), timeout=60) for _ in range(times)]
    for connection in connections:
        connection.sendall(request)
    for connection in connections:
        connection.close()


# Below the wire


def test_more_than_the_most_that_may_wait_are_refused(tmp_path: Path) -> None:
    async def waits() -> list[object]:
        with ThreadPoolExecutor(1) as threads, open_store(build_database(tmp_path)) as store:
            waiting, deliveries = Waiting(threads, most=4), Deliveries(store)
            two = [asyncio.create_task(waiting.wait_until_settled(deliveries, 30)) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(Conflict, match="2 requests already wait for this workspace"):
                await waiting.wait_until_settled(deliveries, 30)
            assert await waiting.wait_until_settled(deliveries, 0), "who does not wait is answered"
            answers: list[object] = list(await asyncio.gather(*two))
            assert await waiting.wait_until_settled(deliveries, 30), "their places are free again"
            return answers

    assert asyncio.run(waits()) == [True, True]


def test_a_change_wakes_all_watchers_and_so_does_the_end(tmp_path: Path) -> None:
    changes: list[str] = []
    with open_store(build_database(tmp_path)) as store:
        with store.watch(lambda: changes.append("changed")):
            CatalogChanges(store).create_dataset(name="one")
            assert changes == ["changed"]
            with pytest.raises(NotFound):
                CatalogChanges(store).update_dataset("nobody", name="two")
            assert changes == ["changed"], "nothing has changed"
            store.close()
            assert len(changes) == 2
        with pytest.raises(Conflict):
            CatalogChanges(store).create_dataset(name="two")
