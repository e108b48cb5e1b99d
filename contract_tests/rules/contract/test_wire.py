"""The judges of a client's requests, on journals that are written by hand: no clock is waited for."""

import datetime
import json
from typing import Any

from mockserver.contract.wire import judge_wire

BEGIN = datetime.datetime(2025, 3, 1, 12, tzinfo=datetime.UTC)


def record(second: float, field: str, *, status: int = 200, body: Any = None, **more: Any) -> dict[str, Any]:
    """An entry of the journal, as `GET /_mock/requests` has it."""
    received = BEGIN + datetime.timedelta(seconds=second)
    return {
        "received_at": received.isoformat(), "method": "POST", "path": "/graphql", "query": "", "root_fields": [field],
        "operation": None, "operation_type": "query", "client": "own", "key": "own", "status": status,
        "error_codes": [], "complete": True, "fault": None, "not_understood": [],
        "request": {"headers": [["host", "127.0.0.1:8000"]], "body": f"{{{field}}}"},
        "answer": {"headers": more.pop("headers", []), "body": json.dumps(body or {})},
    } | more  # fmt: skip


def name_mistakes(*entries: dict[str, Any]) -> list[str]:
    return [mistake for mistake, _ in judge_wire(entries)]


def test_attempts_without_a_pause_are_named() -> None:
    fault = {"id": "1", "fault": "server_error"}
    hasty = [record(at / 100, "task", status=503, fault=fault) for at in range(3)]
    assert name_mistakes(*hasty, record(0.03, "task")) == ["retries-hastily"]
    patient = [record(at, "task", status=503, fault=fault) for at in range(3)]
    assert name_mistakes(*patient, record(3, "task")) == []


def test_one_attempt_without_a_pause_is_none() -> None:
    assert name_mistakes(record(0, "task", status=503), record(0.01, "task", status=503), record(2, "task")) == []


def test_a_wait_that_is_shorter_than_retry_after_is_named() -> None:
    limited = record(0, "task", status=429, headers=[["retry-after", "30"]], fault={"id": "1", "fault": "rate_limited"})
    assert name_mistakes(limited, record(29, "task")) == ["retry-after-ignored"]
    assert name_mistakes(limited, record(30, "task")) == []


def test_a_date_in_retry_after_is_not_judged() -> None:
    limited = record(0, "task", status=503, headers=[["Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"]])
    assert name_mistakes(limited, record(1, "task")) == []


def test_hasty_polls_of_an_export_v1_are_named() -> None:
    waiting = {"data": {"exportLabels": {"downloadUrl": None, "shouldPoll": True}}}
    ready = {"data": {"exportLabels": {"downloadUrl": "http://127.0.0.1/file", "shouldPoll": False}}}
    hasty = [record(at / 10, "exportLabels", body=waiting) for at in range(3)]
    assert name_mistakes(*hasty, record(0.3, "exportLabels", body=ready)) == ["polls-too-often"]
    patient = [record(at, "exportLabels", body=waiting) for at in range(3)]
    assert name_mistakes(*patient, record(3, "exportLabels", body=ready)) == []
    assert name_mistakes(*[record(at, "exportLabels", body=ready) for at in range(5)]) == []


def test_equal_refusals_are_named() -> None:
    refused: dict[str, Any] = {"status": 200, "error_codes": ["RESOURCE_NOT_FOUND"]}
    assert name_mistakes(*[record(at, "project", **refused) for at in range(3)]) == ["refusal-repeated"]
    assert name_mistakes(*[record(at, "project", **refused) for at in range(2)]) == []


def test_a_key_in_a_url_is_named() -> None:
    assert name_mistakes(record(0, "user", query="api_key=[secret]")) == ["key-in-url"]
    assert name_mistakes(record(0, "user", query="access=[the key of this workspace]")) == ["key-in-url"]
