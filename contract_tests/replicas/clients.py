"""Clients that use workspaces at random while the service is disturbed, and note what was acknowledged to them."""

import contextlib
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from contract_tests.replicas import exporting
from contract_tests.replicas.counting import MESSAGE, Counted, call_until_passed, request_fault
from contract_tests.replicas.journal import Act, Journal, Reading
from contract_tests.replicas.requesting import Connection, Refused, Unanswered

CREATE_PROJECT = "mutation($name: String!){createProject(data: {name: $name}){id}}"
LIST_PROJECTS = "{projects(first: 1000){name}}"
POLLS = 2
"""How often an export of a slow workspace shows IN_PROGRESS."""
RETRIES = [1] * 50
PAUSE = 0.3
"""Seconds between two acts of a client at most: there are two cores, and others need them."""
PROJECT = "image"


@dataclass(frozen=True)
class Workspace:
    """One workspace of the test, and the project in it that is changed and exported."""

    key: str
    project: str
    ordered: bool
    """Whether its webhook sends one message after the other."""


def create_workspace(connection: Connection, key: str, receiver: str, *, ordered: bool = False) -> Workspace:
    """Creates a workspace whose labels are reported to the receiver."""
    created = connection.control("POST", "workspaces", {"api_key": key})
    hook = {"url": f"{receiver}/{key}", "secret": "secret", "topics": ["LABEL_CREATED"], "retries": RETRIES}
    connection.control("POST", "webhooks", hook | {"ordered": ordered}, key=key)
    return Workspace(key, created["projects"][PROJECT], ordered)


@dataclass
class Client:
    """One client. It changes `own` and `shared`; exports of `slow` take polls, and faults are requested there."""

    name: str
    connection: Connection
    journal: Journal
    own: Workspace
    slow: Workspace
    shared: Workspace
    chance: random.Random
    stop: threading.Event
    counts: list[Counted] = field(default_factory=list)
    number: int = 0
    read: dict[int, str] = field(default_factory=dict)
    """The requests to `own` that its journal has shown: when each number was received."""
    blurred: bool = False
    """A requested failure of exports was not acknowledged: it may meet any later export of `slow`."""

    def work(self) -> None:
        """Does one thing after the other until the test stops it."""
        deeds: tuple[tuple[int, Callable[[], None]], ...] = (
            (4, self.create_project), (3, self.create_row), (6, self.create_label), (3, self.export),
            (2, self.export_slowly), (2, self.count_faults), (2, self.count_failures), (1, self.advance_clock),
            (1, self.create_workspace), (1, self.delete_workspace), (1, self.fork_workspace), (2, self.read_requests),
            (6, self.read_projects),
        )  # fmt: skip
        weights = [weight for weight, _ in deeds]
        while not self.stop.is_set():
            [(_, deed)] = self.chance.choices(deeds, weights)
            with contextlib.suppress(Unanswered, Refused):
                deed()
            self.stop.wait(self.chance.uniform(0, PAUSE))

    def _next_name(self) -> str:
        self.number += 1
        return f"{self.name}-{self.number}"

    def _choose(self) -> Workspace:
        return self.chance.choice((self.own, self.shared))

    def _act(self, kind: str, key: str, name: str, call: Callable[[], object]) -> Act:
        """Carries out an act. Raises Unanswered, and leaves it unknown whether it happened."""
        act = self.journal.begin(kind, key, name)
        self.journal.acknowledge(act, call())
        return act

    def create_project(self) -> None:
        key, name = self._choose().key, self._next_name()
        self._act("project", key, name, lambda: self.connection.ask(key, CREATE_PROJECT, name=name))
        self.read_projects()

    def read_projects(self) -> None:
        """Reads what anyone may have changed just now, through whichever server."""
        key, before = self._choose().key, time.monotonic()
        names = [project["name"] for project in self.connection.ask(key, LIST_PROJECTS)["projects"]]
        self.journal.add_reading(Reading(key, before, time.monotonic(), names))

    def read_requests(self) -> None:
        """Reads what is new in the journal of `own`, which a later server must have as well."""
        last = max(self.read, default=0)
        page = self.connection.control("GET", f"requests?bodies=false&after={last}", key=self.own.key)
        if page["received"] < last:
            self.journal.add_fault(f"the journal of {self.own.key} had {last} requests, and has {page['received']}")
        self.read |= {request["number"]: request["received_at"] for request in page["requests"]}

    def create_row(self) -> None:
        key, name = self._choose().key, self._next_name()
        event = {"event": "DATA_ROW_CREATED", "project": PROJECT, "data_row": name}
        self._act("row", key, name, lambda: self.connection.control("POST", "events", event, key=key))

    def create_label(self) -> None:
        """A row and its label, both or none."""
        key, name = self._choose().key, self._next_name()
        events = [
            {"event": kind, "project": PROJECT, "data_row": name} for kind in ("DATA_ROW_CREATED", "LABEL_CREATED")
        ]
        body = {"events": events}
        self._act("label", key, name, lambda: self.connection.control("POST", "events/many", body, key=key))

    def export(self) -> None:
        workspace = self._choose()
        export = exporting.start(self.connection, self.journal, workspace.key, workspace.project)
        exporting.follow(self.connection, export, self.stop)

    def export_slowly(self) -> None:
        export = exporting.start(self.connection, self.journal, self.slow.key, self.slow.project)
        exporting.follow(self.connection, export, self.stop)
        if export.status == "COMPLETE" and export.polls + export.unanswered < POLLS:
            self.journal.add_fault(
                f"export {export.task} of {export.key} was COMPLETE after {export.polls} polls and"
                f" {export.unanswered} without an answer, and {POLLS} were requested"
            )

    def count_faults(self) -> None:
        name = f"probe_{self._next_name()}".replace("-", "_")
        counted = request_fault(self.connection, self.slow.key, name, self.chance.randint(1, 4))
        self.counts.append(counted)
        call_until_passed(self.connection, counted)

    def count_failures(self) -> None:
        """Requests that the next exports fail, and exports until two have not failed."""
        if self.blurred:
            return
        times, self.blurred = self.chance.randint(1, 2), True
        message = f"{MESSAGE} {self._next_name()}"
        rule = {"fault": "export_fails", "message": message, "times": times}
        self.connection.control("POST", "faults", rule, key=self.slow.key)
        counted = Counted(self.slow.key, message, times)
        self.counts.append(counted)
        passed = 0
        while passed < 2 and not self.stop.is_set():
            passed += self._export_counting(counted, message)
        self.blurred = passed < 2

    def _export_counting(self, counted: Counted, message: str) -> bool:
        """Exports once. Returns whether the export did not fail."""
        try:
            export = exporting.start(self.connection, self.journal, self.slow.key, self.slow.project)
        except Unanswered:
            counted.unanswered += 1
            return False
        exporting.follow(self.connection, export, self.stop)
        counted.hits += export.reason == message
        counted.unanswered += export.status == "FAILED" and export.reason != message
        counted.passed |= export.status == "COMPLETE"
        return export.status == "COMPLETE"

    def advance_clock(self) -> None:
        seconds = self.chance.randint(1, 60)
        body = {"advance": seconds}
        self._act(
            "clock",
            self.own.key,
            str(seconds),
            lambda: self.connection.control("POST", "clock", body, key=self.own.key),
        )

    def create_workspace(self) -> None:
        key = f"extra-{self._next_name()}"
        self._act("create", key, key, lambda: self.connection.control("POST", "workspaces", {"api_key": key}))

    def fork_workspace(self) -> None:
        key = f"fork-{self._next_name()}"
        body = {"api_key": key, "fork_of": self.own.key}
        self._act("create", key, self.own.key, lambda: self.connection.control("POST", "workspaces", body))

    def delete_workspace(self) -> None:
        mine = [act.key for act in self.journal.acts if act.kind == "create" and act.acknowledged]
        mine = [key for key in mine if key.startswith((f"extra-{self.name}-", f"fork-{self.name}-"))]
        candidates = [key for key in mine if not self.journal.find("delete", key)]
        if candidates:
            key = self.chance.choice(candidates)
            self._act("delete", key, key, lambda: self.connection.control("DELETE", f"workspaces/{key}"))
