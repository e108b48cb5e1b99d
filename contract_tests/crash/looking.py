"""The state of workspaces as a client can see it."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from contract_tests.crash.killing import Killable, digest
from contract_tests.waiting import eventually

PROJECTS = "{projects(first: 1000){id name}}"
LABELS = "query($id: ID!){project(where: {id: $id}){labelCount}}"
DATASETS = "{datasets(first: 1000){rowCount}}"
IMPORTS = "query($project: ID!){labelImports(where: {projectId: $project}){id state statusFileUrl}}"
TASKS = "{user{createdTasks(first: 100){id status result}}}"


class Seen(NamedTuple):
    """The state of one workspace as a client can see it."""

    marks: frozenset[str]
    """Names of projects that no scenario contains."""
    labels: int
    rows: int
    """Data rows of all datasets."""
    switches: dict[str, str]
    """Switches whose values differ from those of a new workspace."""
    now: str | None
    """The clock's time if it is frozen."""
    tasks: frozenset[tuple[str, str, str]]
    """Ids, statuses, and hashes of results."""
    deliveries: frozenset[tuple[str, str]]
    """Ids and hashes of bodies."""
    subscriptions: frozenset[str]
    imports: frozenset[tuple[str, str, int]]
    """Ids and states of imports of labels, and how many of their lines have succeeded."""

    def is_pristine(self) -> bool:
        """Whether nothing has happened in it since it was made from a scenario."""
        return not (self.marks or self.tasks or self.deliveries or self.subscriptions or self.now)


def look_at_all(server: Killable) -> dict[str, Seen]:
    """Every workspace by its API key. A task that is not done says so for ever, so each must have ended."""
    return {key: look(server, key) for key in server.control("GET", "workspaces")["api_keys"]}


def look(server: Killable, key: str) -> Seen:
    projects = server.ask(key, PROJECTS)["projects"]
    [image] = [project["id"] for project in projects if project["name"] == "image"]
    wait_for_imports(server, key, image)
    labels = server.ask(key, "query($id: ID!){project(where: {id: $id}){labelCount}}", id=image)["project"][
        "labelCount"
    ]
    clock = server.control("GET", "clock", key=key)
    deliveries = server.control("GET", "deliveries?first=1000", key=key)["deliveries"]
    return Seen(
        marks=frozenset(project["name"] for project in projects if project["name"].startswith("mark")),
        labels=labels,
        rows=sum(dataset["rowCount"] for dataset in server.ask(key, DATASETS)["datasets"]),
        switches=select_changed(server.control("GET", "switches", key=key)),
        now=clock["now"] if clock["frozen"] else None,
        tasks=frozenset(task(server, item) for item in server.ask(key, TASKS)["user"]["createdTasks"]),
        deliveries=frozenset((item["id"], digest(item["body"])) for item in deliveries),
        subscriptions=frozenset(item["id"] for item in server.control("GET", "webhooks", key=key)["webhooks"]),
        imports=frozenset(list_imports(server, key, image)),
    )


def list_imports(server: Killable, key: str, project: str) -> Iterator[tuple[str, str, int]]:
    for item in server.ask(key, IMPORTS, project=project)["labelImports"]:
        lines = map(json.loads, server.get(item["statusFileUrl"]).splitlines())
        yield item["id"], item["state"], sum(line["status"] == "SUCCESS" for line in lines)


def wait_for_imports(server: Killable, key: str, project: str) -> None:
    """Waits for imports that a killed server has left, and this one goes on with."""

    def have_ended() -> bool:
        imports = server.ask(key, IMPORTS, project=project)["labelImports"]
        return all(item["state"] != "RUNNING" for item in imports)

    assert eventually(have_ended)


def select_changed(switches: dict[str, str]) -> dict[str, str]:
    """The switches that the tests have changed."""
    tests_choose = {"characters": "utf-8", "masks": "plain"}
    return {name: value for name, value in switches.items() if tests_choose.get(name) == value}


def task(server: Killable, item: dict[str, Any]) -> tuple[str, str, str]:
    """Its id, its status, and a hash of its result, which must be there when it is COMPLETE."""
    if item["status"] != "COMPLETE":
        return item["id"], item["status"], ""
    return item["id"], item["status"], digest(server.get(item["result"]))
