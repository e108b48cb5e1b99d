"""Clients that change workspaces at random, and know what was acknowledged to them."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from contract_tests.crash.killing import Killable, Killed
from contract_tests.crash.looking import Seen, look

CREATE_PROJECT = "mutation($name: String!){createProject(data: {name: $name}){id}}"
EXPORT = "mutation($project: ID!){exportDataRowsInProject(input: {filters: {projectId: $project}}){taskId}}"
HOOK = {"url": "http://127.0.0.1:9/hook", "secret": "secret", "topics": ["LABEL_CREATED"]}
EVENT = {"event": "LABEL_CREATED", "project": "image"}
MOST_WORKSPACES = 3
"""Of one client."""


@dataclass(frozen=True)
class Known:
    """The records that one workspace must show."""

    marks: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset()
    subscriptions: frozenset[str] = frozenset()
    messages: int = 0
    """Events that happened while somebody was subscribed."""
    origin: "Known | None" = None
    """The state that a reset returns to."""


@dataclass
class Client:
    """One client with workspaces of its own. `known` is what was acknowledged, by API key."""

    name: str
    chance: random.Random
    known: dict[str, Known] = field(default_factory=dict)
    unanswered: tuple[str, tuple[Known | None, ...]] | None = None
    """The workspace of the request that was not answered, and what it may be now beside what is known."""
    number: int = 0
    answered: int = 0

    def next_name(self, kind: str) -> str:
        self.number += 1
        return f"{self.name}-{kind}-{self.number}"

    def work(self, server: Killable, stop: threading.Event) -> None:
        """Sends one request after the other until the server is killed."""
        while not stop.is_set():
            try:
                self.make_one_change(server)
            except Killed:
                return
            self.answered += 1

    def make_one_change(self, server: Killable) -> None:
        """Makes a random change that is possible now."""
        if not self.known or (len(self.known) < MOST_WORKSPACES and self.chance.random() < 0.15):
            self.make_workspace(server)
            return
        key = self.chance.choice(sorted(self.known))
        changes: tuple[Callable[[Killable, str], None], ...] = (
            self.mark, self.mark, self.mark, self.export, self.subscribe, self.event, self.event, self.reset,
            self.delete,
        )  # fmt: skip
        self.chance.choice(changes)(server, key)

    def _change(self, key: str, after: Known | None, call: Callable[[], object]) -> None:
        """Makes a change; until its answer is received, the state before and the state after are both allowed."""
        self.unanswered = (key, (after,))
        call()
        self._acknowledge(key, after)

    def _acknowledge(self, key: str, after: Known | None) -> None:
        self.unanswered = None
        if after is None:
            self.known.pop(key, None)
        else:
            self.known[key] = after

    def make_workspace(self, server: Killable) -> None:
        key = self.next_name("workspace")
        body: dict[str, object] = {"api_key": key}
        created = Known()
        if self.known and self.chance.random() < 0.5:
            source = self.chance.choice(sorted(self.known))
            body["fork_of"] = source
            created = Known(marks=self.known[source].marks)
        self._change(key, replace(created, origin=created), lambda: server.control("POST", "workspaces", body))

    def mark(self, server: Killable, key: str) -> None:
        name, known = self.next_name("mark"), self.known[key]
        after = replace(known, marks=known.marks | {f"mark {name}"})
        self._change(key, after, lambda: server.ask(key, CREATE_PROJECT, name=f"mark {name}"))

    def export(self, server: Killable, key: str) -> None:
        """Its id is known only from the answer, so an export without an answer may exist or not."""
        known = self.known[key]
        projects = server.ask(key, "{projects(first: 1000){id name}}")["projects"]
        [image] = [project["id"] for project in projects if project["name"] == "image"]
        self.unanswered = (key, (replace(known, tasks=known.tasks | {ANY}),))
        task = server.ask(key, EXPORT, project=image)["exportDataRowsInProject"]["taskId"]
        self._acknowledge(key, replace(known, tasks=known.tasks | {task}))

    def subscribe(self, server: Killable, key: str) -> None:
        known = self.known[key]
        if known.subscriptions:
            return
        self.unanswered = (key, (replace(known, subscriptions=frozenset({ANY})),))
        subscription = server.control("POST", "webhooks", HOOK, key=key)["id"]
        self._acknowledge(key, replace(known, subscriptions=frozenset({subscription})))

    def event(self, server: Killable, key: str) -> None:
        known = self.known[key]
        after = replace(known, messages=known.messages + len(known.subscriptions))
        self._change(key, after, lambda: server.control("POST", "events", EVENT, key=key))

    def reset(self, server: Killable, key: str) -> None:
        origin = self.known[key].origin
        assert origin is not None
        self._change(key, replace(origin, origin=origin), lambda: server.control("POST", "reset", key=key))

    def delete(self, server: Killable, key: str) -> None:
        self._change(key, None, lambda: server.control("DELETE", f"workspaces/{key}"))

    # After the server has started again

    def check(self, server: Killable, api_keys: set[str]) -> None:
        """Every workspace is as it was acknowledged, or as the request that was not answered would have it."""
        unanswered, self.unanswered = self.unanswered, None
        keys = set(self.known) | ({unanswered[0]} if unanswered else set())
        for key in keys:
            allowed = [self.known.get(key)]
            if unanswered is not None and unanswered[0] == key:
                allowed += unanswered[1]
            seen = look(server, key) if key in api_keys else None
            fitting = [known for known in allowed if fits(seen, known)]
            assert fitting, f"{key} must be one of {allowed}, and is {seen}"
            self._acknowledge(key, as_seen(fitting[0], seen))


ANY = "any"
"""Stands for an id that was never told."""


def fits(seen: Seen | None, known: Known | None) -> bool:
    if seen is None or known is None:
        return seen is None and known is None
    tasks = {task for task, _, _ in seen.tasks}
    return (
        seen.marks == known.marks
        and matches(tasks, known.tasks)
        and matches(set(seen.subscriptions), known.subscriptions)
        and len(seen.deliveries) == known.messages
    )


def matches(seen: set[str], known: frozenset[str]) -> bool:
    """All known ids are seen, and one more only where one is not known."""
    rest = seen - known
    return known - {ANY} <= seen and len(rest) == (ANY in known)


def as_seen(known: Known | None, seen: Seen | None) -> Known | None:
    """The known records, with the ids of those whose answers were never received."""
    if known is None or seen is None:
        return None
    tasks = frozenset(task for task, _, _ in seen.tasks)
    return replace(known, tasks=tasks, subscriptions=seen.subscriptions)
