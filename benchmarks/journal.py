"""The cost of the journal: the server's processor time with it and without it, in turns, on the same requests."""

import http.client
import json
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import report, worlds
from benchmarks.documents import GET_USER, get_project
from contract_tests.serving import ServedWorld

ROUNDS, QUERIES, DOWNLOADS = 12, 1500, 40
ROWS = 2_000
WITHOUT = ("--journal-entries", "0")
CREATE = "mutation($id: ID!) { exportDataRowsInProject(input: {filters: {projectId: $id}}) { taskId } }"
RESULT = "query($id: ID!) { task(where: {id: $id}) { status result } }"


def measure(quick: bool) -> None:
    report.print_title("The journal: processor time of the server, without it and with it in turns")
    rounds = 2 if quick else ROUNDS
    with worlds.serve_street(ROWS) as recorded, worlds.serve_street(ROWS, options=WITHOUT) as plain:
        compare("a small query: the user", [Query(server, GET_USER) for server in (recorded, plain)], rounds)
        documents = [get_project(server.projects[worlds.PROJECT]) for server in (recorded, plain)]
        queries = [Query(server, body) for server, body in zip((recorded, plain), documents, strict=True)]
        compare("a small query: a project by id", queries, rounds)
        compare("a file of a result, 4 MiB", [Download(server) for server in (recorded, plain)], rounds)


def compare(what: str, calls: Sequence["Query | Download"], rounds: int) -> None:
    """The least of all rounds: whatever else the machine does only adds to it."""
    rounds_of_times = [[call.measure() for call in calls] for _ in range(rounds)]
    with_journal, without = (min(times) for times in zip(*rounds_of_times, strict=True))
    peers = {"without the journal": without}
    report.print_figure(what, with_journal, "us", goal="at most 1.1 of it", peers=peers)


class Query:
    """Equal queries over one connection."""

    def __init__(self, server: ServedWorld, body: bytes | str) -> None:
        self._server, self._body, self._connection = server, body, connect(server.url)

    def measure(self) -> float:
        """Microseconds of the server's processor time for each."""
        for _ in range(100):
            self._ask()
        before = read_processor_time(int(self._server.ready["pid"]))
        for _ in range(QUERIES):
            self._ask()
        return (read_processor_time(int(self._server.ready["pid"])) - before) / QUERIES

    def _ask(self) -> bytes:
        headers = {"Authorization": f"Bearer {self._server.api_key}", "Content-Type": "application/json"}
        self._connection.request("POST", "/graphql", self._body, headers)
        return self._connection.getresponse().read()


class Download:
    """Equal downloads of a file of a result."""

    def __init__(self, server: ServedWorld) -> None:
        self._server, self._connection = server, connect(server.url)
        parts = urlsplit(self._export())
        self._target = f"{parts.path}?{parts.query}"

    def measure(self) -> float:
        """Microseconds of the server's processor time for each."""
        before = read_processor_time(int(self._server.ready["pid"]))
        for _ in range(DOWNLOADS):
            self._connection.request("GET", self._target)
            self._connection.getresponse().read()
        return (read_processor_time(int(self._server.ready["pid"])) - before) / DOWNLOADS

    def _export(self) -> str:
        task = self._ask(CREATE, self._server.projects[worlds.PROJECT])["exportDataRowsInProject"]["taskId"]
        while (state := self._ask(RESULT, task)["task"])["status"] == "IN_PROGRESS":
            time.sleep(0.1)
        return str(state["result"])

    def _ask(self, document: str, id_: str) -> dict[str, dict[str, str]]:
        body = json.dumps({"query": document, "variables": {"id": id_}})
        headers = {"Authorization": f"Bearer {self._server.api_key}", "Content-Type": "application/json"}
        self._connection.request("POST", "/graphql", body, headers)
        data: dict[str, dict[str, str]] = json.loads(self._connection.getresponse().read())["data"]
        return data


def connect(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port)


def read_processor_time(pid: int) -> float:
    """Microseconds that the threads of a process have run, finer than the ticks of the system."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1000
