"""Judges what a client sent during a case, by the journal of its workspace."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from mockserver.contract.process import shorten
from mockserver.contract.repetition import Entry, Mistake, judge_retries, seconds_of
from mockserver.contract.service import AGENT
from mockserver.journal.redaction import OWN_KEY

PAUSE = 0.5
"""Seconds that a client should wait between two polls."""
TOLERANCE = 0.25
"""Seconds that a busy machine may take away from a pause."""
HASTY_POLLS = 2
"""So many polls without a pause are one mistake; SDKs read a task twice when they have created it."""
LATE_POLLS = 3
"""Polls after the end that are tolerated: SDKs read a task again before its result."""
FILES = ("exportFileFromOffset", "exportFileFromLine")
FINAL = {"COMPLETE", "FAILED", "CANCELED", "CANCELLED"}


def select_own(entries: Sequence[Entry]) -> list[Entry]:
    """The client's requests, without those of the kit itself."""
    return [entry for entry in entries if entry["client"] != AGENT]


def judge_wire(entries: Sequence[Entry]) -> Iterator[Mistake]:
    """Yields the mistakes."""
    yield from _judge_keys(entries)
    yield from _judge_urls(entries)
    for task in _list_tasks(entries):
        yield from _judge_polls(task, entries)
    yield from _judge_labels(entries)
    yield from _judge_files(entries)
    yield from judge_retries(entries)
    for entry in entries:
        for item in entry["not_understood"]:
            if item["kind"] != "input":
                yield "not-understood", shorten(item["message"], 500)
                return


def _judge_keys(entries: Sequence[Entry]) -> Iterator[Mistake]:
    """A signed link needs no key; on another host than that of the API it gives the key away."""
    hosts = {_header(entry, "host") for entry in entries if not entry["path"].startswith("/_files/")}
    with_key = [entry for entry in entries if entry["path"].startswith("/_files/") and entry["key"] != "none"]
    leaked = [entry for entry in with_key if _header(entry, "host") not in hosts]
    if leaked and hosts:
        yield "key-leaked", f"Authorization was sent to {_header(leaked[0], 'host')}, {len(leaked)} times"
    elif any("/frames/" not in entry["path"] for entry in with_key):  # there, on the same host, it is kept by most
        yield "key-on-links", f"Authorization was sent with {len(with_key)} links to files"


def _judge_urls(entries: Sequence[Entry]) -> Iterator[Mistake]:
    """The journal has replaced the key by words of its own."""
    with_key = [entry for entry in entries if OWN_KEY in entry["query"] or "api_key=" in entry["query"]]
    if with_key:
        yield (
            "key-in-url",
            f"{len(with_key)} times, first by {with_key[0]['method']} {with_key[0]['path']}?{with_key[0]['query']}",
        )


def _header(entry: Entry, name: str) -> str:
    return next((value for key, value in entry["request"]["headers"] if key.lower() == name), "")


def _creates_export(entry: Entry) -> bool:
    return any(field.startswith("exportDataRows") for field in entry["root_fields"])


def _list_tasks(entries: Sequence[Entry]) -> list[str]:
    """The ids of the tasks that the client has created."""
    answers = [_data(entry) for entry in entries if _creates_export(entry)]
    return [item["taskId"] for data in answers for item in data.values() if isinstance(item, dict) and "taskId" in item]


def _data(entry: Entry) -> dict[str, Any]:
    """The `data` of a GraphQL answer; empty if there is none, or if the journal has cut it."""
    try:
        return dict(json.loads(entry["answer"]["body"] or "{}").get("data") or {})
    except (ValueError, AttributeError):
        return {}


def _judge_polls(task: str, entries: Sequence[Entry]) -> Iterator[Mistake]:
    polls = [(entry, status) for entry in entries if (status := _status_of(task, entry)) is not None]
    final = next((at for at, (_, status) in enumerate(polls) if status in FINAL), len(polls))
    yield from _judge_pauses([entry for entry, _ in polls[: final + 1]])
    if len(polls) - final - 1 > LATE_POLLS:
        yield "polls-after-end", f"{len(polls) - final - 1} polls after the task was {polls[final][1]}"


def _judge_labels(entries: Sequence[Entry]) -> Iterator[Mistake]:
    """Export V1 is polled by its mutation."""
    polls = [entry for entry in entries if "exportLabels" in entry["root_fields"]]
    final = next((at for at, entry in enumerate(polls) if _find_url(_data(entry))), len(polls))
    yield from _judge_pauses(polls[: final + 1])


def _find_url(data: dict[str, Any]) -> Any:
    return next((item.get("downloadUrl") for item in data.values() if isinstance(item, dict)), None)


def _judge_pauses(polls: Sequence[Entry]) -> Iterator[Mistake]:
    seconds = [seconds_of(entry) for entry in polls]
    pauses = [after - before for before, after in pairwise(seconds)]
    hasty = [pause for pause in pauses if pause < PAUSE - TOLERANCE]
    if len(hasty) >= HASTY_POLLS:
        yield "polls-too-often", f"{len(hasty)} of {len(pauses)} pauses were shorter than {PAUSE} s"


def _status_of(task: str, entry: Entry) -> str | None:
    """The status of the task that a query was answered with; None if the query is no poll of it."""
    if entry["operation_type"] != "query" or task not in (entry["request"]["body"] or ""):
        return None
    return _find_status(_data(entry))


def _find_status(value: Any) -> str | None:
    if isinstance(value, dict):
        status = value.get("status")
        return status if isinstance(status, str) else _find_status(list(value.values()))
    if isinstance(value, list):
        return next((status for item in value if (status := _find_status(item)) is not None), None)
    return None


def _judge_files(entries: Sequence[Entry]) -> Iterator[Mistake]:
    wrong = [entry for entry in entries if _misses_file(entry)]
    if wrong:
        yield "wrong-offset", f"{len(wrong)} times, first by {shorten(wrong[0]['request']['body'], 500)}"
    yield from _judge_links(entries)
    whole = Counter(
        entry["path"] for entry in entries
        if "/results/" in entry["path"] and entry["status"] == 200 and entry["complete"] and entry["fault"] is None
    )  # fmt: skip
    twice = [path for path, count in whole.items() if count > 1]
    if twice:
        yield "file-repeated", f"{len(twice)} of {len(whole)} files, first {twice[0]}"


def _judge_links(entries: Sequence[Entry]) -> Iterator[Mistake]:
    """A link that has expired is not used again before a new one was requested."""
    expired: set[str] = set()
    for entry in entries:
        if "exportFileFrom" in (entry["request"]["body"] or ""):
            expired.clear()
        elif entry["path"] in expired:
            yield "expired-link", f"{entry['path']} was requested again after its link had expired"
            return
        if "ExpiredToken" in (entry["answer"]["body"] or ""):
            expired.add(entry["path"])


def _misses_file(entry: Entry) -> bool:
    """Whether a file of a result was requested, and there is none at its offset."""
    if "exportFileFrom" not in (entry["request"]["body"] or ""):
        return False
    task = _data(entry).get("task") or {}
    return bool(entry["error_codes"]) or any(task.get(field, {}) is None for field in FILES)
