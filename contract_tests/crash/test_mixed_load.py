"""A server that is killed again and again while clients change workspaces keeps all that it acknowledged."""

import os
import random
import threading
import time
from pathlib import Path

import pytest

from contract_tests.crash.clients import Client
from contract_tests.crash.killing import (
    READY_WITHIN,
    Killable,
    build_killer,
    find_broken_databases,
    find_leftovers,
)

SEED = int(os.environ.get("CRASH_SEED", "0"))
KILLS = int(os.environ.get("CRASH_KILLS", "6"))
CLIENTS = 4
ANSWERS = 11
"""Changes that are answered before each kill, however busy the machine is."""


@pytest.mark.timeout(120 + 30 * KILLS)
def test_nothing_that_was_acknowledged_is_lost_under_mixed_load(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    server = Killable(tmp_path / "state", build_killer(tmp_path))
    clients = [Client(f"client{number}", random.Random(f"{SEED}/{number}")) for number in range(CLIENTS)]
    server.start()
    for number in range(KILLS):
        run_until_killed(server, clients, chance)
        assert find_broken_databases(server.state) == []
        server.start()
        api_keys = set(server.control("GET", "workspaces")["api_keys"])
        for client in clients:
            client.check(server, api_keys)
        known = {key for client in clients for key in client.known}
        assert api_keys == {"mock-api-key"} | known, f"after kill {number}"
        assert find_leftovers(server.state) == [], f"after kill {number}"
    server.kill()
    assert "Traceback" not in server.log()
    assert count_answers(clients) > 10 * KILLS


def run_until_killed(server: Killable, clients: list[Client], chance: random.Random) -> None:
    """Runs all clients at the same time, and kills the server at a random step or after a random time."""
    stop = threading.Event()
    before = count_answers(clients)
    threads = [threading.Thread(target=client.work, args=(server, stop)) for client in clients]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + READY_WITHIN
    while count_answers(clients) < before + ANSWERS and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(chance.uniform(0.0, 0.8))
    if chance.random() < 0.5:
        server.arm(chance.randint(1, 200))
        server.wait_for_its_end()
    else:
        server.kill()
    stop.set()
    for thread in threads:
        thread.join()


def count_answers(clients: list[Client]) -> int:
    return sum(client.answered for client in clients)
