"""Requests that are open when the server is stopped."""

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from contract_tests.serving import ServedWorld

WITHIN = 60.0


def test_a_request_that_is_open_when_the_server_stops_ends_without_an_answer() -> None:
    """Nobody knows whether it had its effect, as when the server is killed, so nothing is said about that."""
    with ServedWorld(scenario="empty", popen=subprocess.Popen) as world, ThreadPoolExecutor(1) as threads:
        world.own.fault("slow", operation="user", seconds=600)
        request = threads.submit(world.ask, "query user { user { id } }")
        deadline = time.monotonic() + WITHIN
        while world.own.faults[0]["hits"] == 0:
            assert time.monotonic() < deadline, "the request did not arrive"
        world.process.terminate()
        with pytest.raises(requests.ConnectionError):
            request.result(WITHIN)
        assert world.process.wait(WITHIN) == 0
        assert "Traceback" not in world.output
