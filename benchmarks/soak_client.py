"""Program: one client of the soak, which sends a mix of requests in workspaces of its own.

Findings: the number of answers 5xx.
"""

import http.client
import json
import random
import sys
from typing import Any
from urllib.parse import urlsplit

PROJECTS = "{projects(first: 5){id name}}"
USER = "{user{id email}}"
CREATE_PROJECT = "mutation($name: String!){createProject(data: {name: $name}){id}}"
DELETE_PROJECT = "mutation($id: ID!){updateProject(where: {id: $id}, data: {deleted: true}){id}}"
EXPORT = "mutation($project: ID!){exportDataRowsInProject(input: {filters: {projectId: $project}}){taskId}}"
TASK = "query($id: ID!){task(where: {id: $id}){status result}}"
KINDS = {"query": 60, "change": 12, "event": 12, "export": 6, "page": 4, "control": 4, "mistake": 1, "workspace": 1}
"""How often each kind is sent among a hundred requests."""
REQUESTS_PER_WORKSPACE = 400
"""Requests in a workspace before it is deleted and another one is created."""


class Soaker:
    """Sends one request after the other over one kept connection."""

    def __init__(self, url: str, name: str, receiver: str) -> None:
        self._address = urlsplit(url).netloc
        self._receiver = receiver
        self._chance = random.Random(name)
        self._connection = http.client.HTTPConnection(self._address, timeout=120)
        self._name, self._number = name, 0
        self.wrong = 0

    def send(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = self._connection.getresponse()
        content = response.read()
        self.wrong += response.status >= 500
        is_json = content and "json" in response.headers.get("content-type", "")
        return json.loads(content) if is_json and "ndjson" not in response.headers["content-type"] else content

    def ask(self, document: str, **variables: object) -> Any:
        return self.send("POST", "/graphql", {"query": document, "variables": variables}, self._key)["data"]

    def create_workspace(self) -> None:
        self.delete_workspace()
        self._number += 1
        self._key = f"{self._name}-{self._number}"
        workspace = self.send("POST", "/_mock/workspaces", {"api_key": self._key})
        self._project = next(iter(workspace["projects"].values()))
        self._project_name = next(iter(workspace["projects"]))
        hook = {"url": self._receiver, "secret": "secret", "topics": ["LABEL_CREATED", "REVIEW_CREATED"]}
        self.send("POST", f"/_mock/webhooks?api_key={self._key}", hook)

    def delete_workspace(self) -> None:
        if self._number:
            self.send("DELETE", f"/_mock/workspaces/{self._key}")

    def run(self, requests: int, kinds: list[str]) -> None:
        weights = [KINDS[kind] for kind in kinds]
        for number in range(requests):
            if number % REQUESTS_PER_WORKSPACE == 0:
                self.create_workspace()
            getattr(self, self._chance.choices(kinds, weights)[0])()
        self.delete_workspace()

    # Kinds of requests

    def query(self) -> None:
        self.ask(self._chance.choice((PROJECTS, USER, f"{{projects(first: {self._chance.randint(1, 9)}){{id}}}}")))

    def change(self) -> None:
        answer = self.ask(CREATE_PROJECT, name=f"project {self._chance.random()}")
        self.ask(DELETE_PROJECT, id=answer["createProject"]["id"])

    def event(self) -> None:
        event = self._chance.choice(("LABEL_CREATED", "REVIEW_CREATED", "WORKFLOW_ACTION", "ISSUE_CREATED"))
        self.send("POST", f"/_mock/events?api_key={self._key}", {"event": event, "project": self._project_name})

    def export(self) -> None:
        task = self.ask(EXPORT, project=self._project)["exportDataRowsInProject"]["taskId"]
        answer = self.ask(TASK, id=task)["task"]
        if answer["result"]:
            parts = urlsplit(answer["result"])
            self.send("GET", f"{parts.path}?{parts.query}")

    def page(self) -> None:
        self.send("GET", "/")

    def control(self) -> None:
        path = self._chance.choice(("clock", "deliveries", "switches", "progression"))
        self.send("GET", f"/_mock/{path}?api_key={self._key}")

    def mistake(self) -> None:
        self.send("GET", f"/nothing/{self._chance.random()}")
        self.send("POST", "/graphql", {"query": f"{{nothing{self._chance.randint(1, 99)}}}"}, self._key)

    def workspace(self) -> None:
        self.send("POST", f"/_mock/reset?api_key={self._key}")
        hook = {"url": self._receiver, "secret": "secret", "topics": ["LABEL_CREATED", "REVIEW_CREATED"]}
        self.send("POST", f"/_mock/webhooks?api_key={self._key}", hook)


def main(url: str, name: str, receiver: str, requests: int, kinds: list[str]) -> int:
    soaker = Soaker(url, name, receiver)
    soaker.run(requests, kinds)
    return soaker.wrong


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
