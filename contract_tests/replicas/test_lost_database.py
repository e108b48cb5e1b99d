"""A server that starts or stops while its database is lost ends with a planned status, in bounded time."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from contract_tests.crash.killing import SCENARIO
from contract_tests.postgres import PrivateCluster
from contract_tests.replicas.replicas import REFUSED_TO_START
from contract_tests.replicas.splitter import Splitter
from contract_tests.serving import ServedWorld, environment_without_settings
from contract_tests.waiting import PATIENCE, wait_for
from mockserver.serving.deadline import END_WITHIN, UNFINISHED

CLIENTS = 4
ANSWERS = 12
EXPORT = (
    "mutation { exportDataRowsInCatalog(input: {filters: {searchQuery: {scope: null, query: []}}, params: {},"
    " streamable: true}) { taskId } }"
)
DOCUMENTS = ("{ projects { name } }", 'mutation { createProject(data: {name: "p"}) { id } }', EXPORT, EXPORT)


@pytest.fixture(scope="module")
def cluster() -> Iterator[PrivateCluster]:
    with PrivateCluster(durable=True) as cluster:
        yield cluster


@contextmanager
def use(server: ServedWorld) -> Iterator[Callable[[], int]]:
    """Clients that read, change and export until the server is gone; webhooks that fail are tried again every second.
    Yields the number of answers."""
    hook = {"url": "http://127.0.0.1:9/nobody", "secret": "s", "topics": ["LABEL_CREATED"], "retries": [1] * 50}
    requests.post(f"{server.url}/_mock/webhooks", json=hook, timeout=PATIENCE).raise_for_status()
    event = {"event": "LABEL_CREATED", "project": "image"}
    requests.post(f"{server.url}/_mock/events", json=event, timeout=PATIENCE).raise_for_status()
    ended, answers = threading.Event(), list[int]()

    def send() -> None:
        while not ended.is_set():
            for document in DOCUMENTS:
                with suppress(requests.RequestException):
                    headers = {"Authorization": f"Bearer {server.api_key}"}
                    body = {"query": document}
                    answers.append(requests.post(server.graphql_url, json=body, headers=headers, timeout=3).status_code)

    threads = [threading.Thread(target=send) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield lambda: len(answers)
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def is_lost(server: ServedWorld) -> bool:
    return requests.get(f"{server.url}/_mock/health", timeout=PATIENCE).status_code == 503


@pytest.mark.parametrize("when", ["before", "after", "restarted"])
def test_a_server_that_is_stopped_while_its_database_is_lost_ends_as_planned(
    cluster: PrivateCluster, when: str
) -> None:
    server = ServedWorld("--state", cluster.dsn, "--scenario", str(SCENARIO), popen=subprocess.Popen)
    server.start()
    with use(server) as count_answers:
        wait_for(lambda: count_answers() > ANSWERS)
        if when == "after":
            server.process.send_signal(signal.SIGTERM)
        cluster.kill()
        try:
            if when == "before":
                wait_for(lambda: is_lost(server))
            if when == "restarted":
                cluster.restart()
            if when != "after":
                server.process.send_signal(signal.SIGTERM)
            status = server.process.wait(PATIENCE)
        finally:
            if when != "restarted":
                cluster.restart()
    output = server.output
    server.stop()
    assert (status, "Traceback" in output) == (0, False), output


@pytest.mark.slow
def test_a_server_that_is_stopped_while_its_database_is_silent_ends_after_its_deadline(
    cluster: PrivateCluster,
) -> None:
    with Splitter([cluster.socket]) as way:
        state = f"postgresql://postgres@127.0.0.1:{way.port}/postgres"
        server = ServedWorld("--state", state, "--scenario", str(SCENARIO), popen=subprocess.Popen)
        server.start()
        with use(server) as count_answers:
            wait_for(lambda: count_answers() > ANSWERS)
            with way.hold():
                server.process.send_signal(signal.SIGTERM)
                status = server.process.wait(PATIENCE)
        output = server.output
        server.stop()
    assert (status, "Traceback" in output) == (UNFINISHED, False), output
    assert output.count(f"not everything was closed within {END_WITHIN:g} seconds") == 1


class BreakingWay:
    """A way to a database that is gone for ever once so many messages were sent to it."""

    def __init__(self, place: str, messages: int) -> None:
        self._place, self._left, self._lock = place, messages, threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self._passing: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)

    @property
    def dsn(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._listener.getsockname()[1]}/postgres"

    def __enter__(self) -> "BreakingWay":
        self._accepting.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._break()
        self._accepting.join()
        for thread in self._passing:
            thread.join()
        for end in self._ends:
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                database = socket.socket(socket.AF_UNIX)
                self._ends += [client, database]
                database.connect(self._place)
                for way in ((client, database, True), (database, client, False)):
                    self._passing.append(threading.Thread(target=self._pass_on, args=way))
                    self._passing[-1].start()

    def _pass_on(self, source: socket.socket, target: socket.socket, is_counted: bool) -> None:
        with suppress(OSError):
            while content := source.recv(65536):
                if is_counted and not self._count():
                    self._break()
                target.sendall(content)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _count(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left >= 0

    def _break(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in list(self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("messages", [0, 3, 9, 15, 21, 24, 27, 30, 33, 36, 50])
def test_a_server_whose_database_is_lost_while_it_starts_refuses_in_one_line_or_serves(
    cluster: PrivateCluster, tmp_path: Path, messages: int
) -> None:
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--ready-file", str(ready)]
    with BreakingWay(cluster.socket, messages) as way:
        command += ["--state", way.dsn, "--scenario", str(SCENARIO)]
        with subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=environment_without_settings()
        ) as process:
            wait_for(lambda: ready.exists() or process.poll() is not None)
            is_ready = ready.exists()
            process.terminate()
            _, output = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in output, output
    assert process.returncode == (0 if is_ready else REFUSED_TO_START), output
    if not is_ready:
        assert [line for line in output.splitlines() if not line.startswith(("WARNING", "ERROR"))][1:] == [], output
