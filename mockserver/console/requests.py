"""The journal as a view: the newest requests of clients, what was not understood of them, and the requested faults."""

from __future__ import annotations

import shlex
from itertools import islice

from starlette.responses import Response

from mockserver.console.calls import list_request_calls
from mockserver.console.view import View
from mockserver.digits import parse_digits
from mockserver.errors import BadInput, NotFound
from mockserver.faults.kinds import KINDS
from mockserver.journal.comparison import Comparison
from mockserver.journal.entry import Entry
from mockserver.journal.selection import Pattern
from mockserver.journal.view import MessageView, RecordedRequest, show_entry

MOST_LISTED = 100
MOST_NOT_UNDERSTOOD = 10
OWN_KEY = "[the key of this workspace]"
"""Takes the place of the key in headers that the journal shows."""
LEFT_OUT = {"host", "content-length", "connection", "accept-encoding"}
"""Headers that curl sends by itself."""


def show_requests(view: View) -> Response:
    """Shows the newest requests, or one of them with its bodies. Raises NotFound, BadInput."""
    number = read_number(view, "number")
    if number is not None:
        return show_request(view, number)
    entries = list(reversed(view.workspace.journal.entries()))
    pattern = read_pattern(view)
    key = view.workspace.api_key
    only_unknown = view.query.get("not_understood") == "true"
    fitting = Comparison(entries, [pattern], key).list_fitting(pattern)
    matching = (entry for entry in fitting if entry.unknown or not only_unknown)
    unknown = islice((entry for entry in entries if entry.unknown), MOST_NOT_UNDERSTOOD)
    return view.render(
        "request_list.html" if view.query.get("part") == "list" else "requests.html",
        requests=[show_entry(entry, key, bodies=False) for entry in islice(matching, MOST_LISTED)],
        unknown=[show_entry(entry, key, bodies=False) for entry in unknown],
        is_filtered=only_unknown or pattern != Pattern(),
        received=len(entries), given=view.query, most=MOST_LISTED, faults=view.workspace.faults.list_states(),
        lines=list_request_calls(view), kinds=KINDS,
    )  # fmt: skip


def read_number(view: View, name: str) -> int | None:
    """Reads a number of the address; None if it is left out. Raises BadInput."""
    text = view.query.get(name, "")
    if not text:
        return None
    number = parse_digits(text)
    if number is None:
        raise BadInput(f"{name} is {text!r}; expected a number")
    return number


def read_pattern(view: View) -> Pattern:
    """Reads the filters of the address. Raises BadInput."""
    query = view.query
    return Pattern(
        operation=query.get("operation", "").strip() or None,
        path=query.get("path", "").strip() or None,
        status=read_number(view, "status"),
    )


def show_request(view: View, number: int) -> Response:
    """Shows one request with its answer. Raises NotFound."""
    entry = find_entry(view, number)
    recorded = show_entry(entry, view.workspace.api_key, bodies=True)
    return view.render("request.html", recorded=recorded, curl=build_curl(view, recorded))


def find_entry(view: View, number: int) -> Entry:
    """Finds an entry of the journal. Raises NotFound."""
    for entry in view.workspace.journal.entries():
        if entry.number == number:
            return entry
    raise NotFound(f"The journal has no request {number}; it keeps the newest ones (--journal-entries)")


def build_curl(view: View, recorded: RecordedRequest) -> str:
    """Builds the line for a shell that sends the request again, with the key of the workspace if it had it."""
    message = recorded.request
    assert isinstance(message, MessageView), "the request is shown with its bodies"
    query = f"?{recorded.query}" if recorded.query else ""
    words = ["curl", "-s", "-X", recorded.method, f"{view.url}{recorded.path}{query}"]
    for name, value in message.headers:
        if name.lower() not in LEFT_OUT:
            words += ["-H", f"{name}: {value.replace(OWN_KEY, view.api_key)}"]
    if message.body:
        words += ["--data-binary", message.body]
    return shlex.join(words)
