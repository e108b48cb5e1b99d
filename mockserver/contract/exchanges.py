"""The exchanges of a case, as the journal has them: redacted, and each with a line of curl that repeats it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.contract.process import shorten

Entry = Mapping[str, Any]
SENT = ("content-type", "accept", "x-user-agent", "range")
"""Headers that change the answer; curl adds the others itself."""
MOST_BODY = 2000
"""Characters of a body that are shown."""


def render_curl(entry: Entry, api_key: str) -> str:
    """A command that sends the request again, to a server that `--keep` has left running."""
    headers = dict(entry["request"]["headers"])
    query = f"?{entry['query']}" if entry["query"] else ""
    words = ["curl", "-sS", f"http://{headers.get('host', '127.0.0.1')}{entry['path']}{query}"]
    if entry["method"] != "GET":
        words += ["-X", entry["method"]]
    if entry["key"] == "own":
        words += ["-H", f"Authorization: Bearer {api_key}"]
    for name in SENT:
        if name in headers:
            words += ["-H", f"{name}: {headers[name]}"]
    if entry["request"]["body"]:
        words += ["--data-raw", entry["request"]["body"]]
    return shlex.join(words)


def describe(entry: Entry) -> str:
    """`POST /graphql exportDataRowsInProject: 200 in 12 ms`."""
    fields = f" {', '.join(entry['root_fields'])}" if entry["root_fields"] else ""
    status = "no answer" if entry["status"] is None else entry["status"]
    whole = "" if entry["complete"] else ", not complete"
    return f"{entry['method']} {entry['path']}{fields}: {status} in {entry['duration_ms']:.0f} ms{whole}"


def render_bodies(entry: Entry) -> Iterator[tuple[str, str]]:
    """The name and the beginning of each body that is there."""
    for side in ("request", "answer"):
        body = entry[side]["body"]
        if body:
            yield side, shorten(body, MOST_BODY)
