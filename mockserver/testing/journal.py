"""The requests of a failed test, as text for its report."""

from __future__ import annotations

from typing import Any

from mockserver.testing.workspace import MockWorkspace

MOST_LINES = 30
"""Requests that a report lists; the last ones count."""
_LONGEST_PATH = 100


def describe_requests(workspace: MockWorkspace, since: str) -> str:
    """Lists the last requests with what of them was not understood; empty without any.

    `since` is the beginning of the test in ISO 8601. Requests of no workspace count from there on, as other tests may
    have sent earlier ones.
    """
    requests = workspace.find_requests(bodies=False)
    strangers = [
        each for each in workspace.find_requests(since=since, bodies=False, unclaimed=True) if is_refused(each)
    ]
    lines = _describe(requests)
    if strangers:
        lines += ["refused in that time, of no workspace (an unknown API key, link or path):", *_describe(strangers)]
    return "\n".join(lines)


def is_refused(request: dict[str, Any]) -> bool:
    """Whether the client got an error, or no answer."""
    return request["status"] is None or request["status"] >= 400


def _describe(requests: list[dict[str, Any]]) -> list[str]:
    listed = requests[-MOST_LINES:]
    left_out = len(requests) - len(listed)
    lines = [f"… {left_out} earlier requests"] if left_out else []
    for request in listed:
        lines.append(describe_request(request))
        lines += [f"      not understood: {each['message']}" for each in request["not_understood"]]
    return lines


def describe_request(request: dict[str, Any]) -> str:
    """One request in one line."""
    path = request["path"]
    words = [
        f"{request['number']:>4}",
        "---" if request["status"] is None else str(request["status"]),
        request["method"],
        path if len(path) <= _LONGEST_PATH else f"{path[:_LONGEST_PATH]}…",
        *([request["operation"]] if request["operation"] else []),
        *(["{" + " ".join(request["root_fields"]) + "}"] if request["root_fields"] else []),
        *request["error_codes"],
        *([f"[fault {request['fault']['fault']}]"] if request["fault"] else []),
    ]
    return " ".join(words)
