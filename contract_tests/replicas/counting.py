"""Counters that a test requests: faults and failures that must act exactly as often as requested."""

from dataclasses import dataclass
from typing import Any

import requests

from contract_tests.replicas.requesting import PATIENCE, Connection

MESSAGE = "requested by the test"
MOST_CALLS = 40


@dataclass
class Counted:
    """A fault that was requested for `times` calls, and what the calls saw until one of them passed."""

    key: str
    name: str
    times: int
    hits: int = 0
    unanswered: int = 0
    passed: bool = False

    def describe_error(self) -> str | None:
        """The difference between the requested and the seen number; calls without an answer may be either."""
        if self.hits > self.times:
            return f"{self.name} in {self.key} hit {self.hits} calls, and {self.times} were requested"
        if self.passed and self.hits + self.unanswered < self.times:
            return (
                f"{self.name} in {self.key} hit {self.hits} calls, {self.unanswered} were not answered, and"
                f" {self.times} were requested"
            )
        return None


def request_fault(connection: Connection, key: str, name: str, times: int) -> Counted:
    """Requests that the next calls of an operation fail. Raises Unanswered."""
    rule = {"fault": "server_error", "operation": name, "status": 504, "times": times, "message": MESSAGE}
    connection.control("POST", "faults", rule, key=key)
    return Counted(key, name, times)


def call_until_passed(connection: Connection, counted: Counted) -> None:
    """Calls the operation until it succeeds twice."""
    passed = 0
    for _ in range(MOST_CALLS):
        passed += call(connection, counted)
        if passed == 2:
            return


def call(connection: Connection, counted: Counted) -> bool:
    """Calls once. Returns whether it was answered without the fault."""
    body = {"query": f"query {counted.name} {{user {{id}}}}", "operationName": counted.name}
    headers = {"Authorization": f"Bearer {counted.key}"}
    try:
        response = requests.post(f"{connection.url}/graphql", json=body, headers=headers, timeout=PATIENCE)
    except requests.RequestException:
        counted.unanswered += 1
        return False
    if MESSAGE in response.text:
        counted.hits += 1
        return False
    if response.status_code != 200 or "errors" in response.json():
        counted.unanswered += 1
        return False
    counted.passed = True
    return True


def list_errors(counts: list[Counted]) -> list[Any]:
    return [error for counted in counts if (error := counted.describe_error()) is not None]
