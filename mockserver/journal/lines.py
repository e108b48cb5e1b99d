"""The lines of the log about requests: all of them on request, refused ones always."""

from __future__ import annotations

import datetime
import json
import logging
import sys

from mockserver.errors import shorten
from mockserver.journal.entry import Entry
from mockserver.journal.view import name_client

LOG = logging.getLogger(__name__)

_MOST_MESSAGE = 300
_MOST_WORDS = 160
UNAUTHORIZED = 401
"""Requests with a wrong key have a line of their own in the log."""


def log_refused(entry: Entry) -> None:
    """Logs a request that was refused or whose path is unknown: a client that retries it for ever must be visible.

    The text is the same for the same request, and the log has each text at most once a second.
    """
    status = entry.status
    if entry.fault is not None or status is None or status < 400 or status == UNAUTHORIZED:
        return
    LOG.warning(_join(entry, []))


def print_request(entry: Entry) -> None:
    """Prints a line about any request, for users who watch the server."""
    time = datetime.datetime.fromtimestamp(entry.started / 1_000_000).astimezone().strftime("%H:%M:%S.%f")[:-3]
    line = _join(entry, [f"{entry.seconds * 1000:.1f} ms", f"{entry.answer_bytes} bytes"])
    sys.stderr.write(f"{time} {line}\n")


def print_json(entry: Entry) -> None:
    """Prints a line of JSON about any request, for programs that watch the server. The query is left out: it has
    signatures and tokens."""
    line = {
        "time": datetime.datetime.fromtimestamp(entry.started / 1_000_000, datetime.UTC).isoformat("T", "milliseconds"),
        "status": entry.status,
        "seconds": round(entry.seconds, 6),
        "answer_bytes": entry.answer_bytes,
        "method": entry.method,
        "path": entry.path,
        "operation": entry.operation and entry.operation.name,
        "root_fields": [] if entry.operation is None else entry.operation.root_fields,
        "client": name_client(entry),
        "fault": entry.fault and entry.fault.fault,
        "not_understood": [item.message for item in entry.unknown],
    }
    sys.stderr.write(f"{json.dumps(line)}\n")  # ASCII: some readers end lines at other signs, too


def _join(entry: Entry, figures: list[str]) -> str:
    """Status, figures, method, path without its query, operation, client, and what was not understood."""
    operation, client = entry.operation, name_client(entry)
    words = ["---" if entry.status is None else str(entry.status), *figures, entry.method, entry.path]
    if operation is not None:
        words.append(" ".join(filter(None, [operation.name, "{" + " ".join(operation.root_fields) + "}"])))
    if client is not None:
        words.append(f"by {client}")
    line = shorten(_clean(" ".join(words)), _MOST_WORDS)
    if entry.fault is not None:
        line += f" [fault {entry.fault.fault}]"
    if entry.unknown:
        line += f": {shorten(_clean(entry.unknown[0].message), _MOST_MESSAGE)}"
    return line


def _clean(text: str) -> str:
    """The text without the signs that move a terminal's cursor."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)
