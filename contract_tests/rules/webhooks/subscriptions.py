"""Subscriptions of receivers, and what became of their messages."""

import datetime
import threading
from typing import Any

from contract_tests.receiving import SECRET, Answer, Receiver
from contract_tests.rules.control_calls import control
from mockserver.testing import MockWorkspace

HANGING = 60.0
"""Seconds until a message is given up: longer than any test waits for another one."""
NEVER = Answer(until=threading.Event())


def subscribe(workspace: MockWorkspace, receiver: Receiver, *topics: str, **more: Any) -> str:
    return workspace.webhook(receiver.url, *topics, secret=SECRET, **more)


def list_statuses(delivery: dict[str, Any]) -> list[int | None]:
    return [attempt["status"] for attempt in delivery["attempts"]]


def days_between(first: str, last: str) -> float:
    moments = [datetime.datetime.fromisoformat(moment) for moment in (first, last)]
    return (moments[1] - moments[0]).total_seconds() / 86_400


def find_webhook(workspace: MockWorkspace, name: str) -> dict[str, Any]:
    webhooks = control(workspace, "GET", "webhooks").json()["webhooks"]
    return next(dict(item) for item in webhooks if item["id"] == name)
