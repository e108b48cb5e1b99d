"""The cases about failures on the way: a client survives them or raises an error, and never gives wrong rows."""

from __future__ import annotations

import json
from typing import Any

from mockserver.contract.cases import Case, Check, Profile
from mockserver.contract.process import ClientError
from mockserver.contract.trial import Trial

IMAGE = {"project": "image"}
CREATE: dict[str, Any] = {"operation": "exportDataRowsInProject"}
RESULTS: dict[str, Any] = {"path": "/_files/*/results/*"}


def fail_once(fault: str, *, survives: bool = True, **rule: Any) -> Check:
    """Exports while one call fails. `survives`: the call may be repeated, so an error of the client is a remark."""

    def check(trial: Trial) -> None:
        hit = trial.workspace.fault(fault, **rule)
        try:
            rows = trial.export_rows(IMAGE)
        except ClientError as error:
            if error.not_offered:
                raise
            if survives:
                trial.find("gives-up", str(error))
            else:
                trial.note(error)
        else:
            _judge_rows(trial, rows)
        if hit.hits == 0:
            trial.not_offered = "it does not make such a call"

    return check


def _judge_rows(trial: Trial, rows: list[Any]) -> None:
    if rows:
        trial.compare(rows, trial.load_expected(IMAGE))
    else:
        trial.find(trial.mistake or "error-swallowed", "it raised nothing, and gave no rows")


def _fail_call(number: int) -> Check:
    return fail_once("server_error", method="POST", first=number, status=503)


def _limit_rate(trial: Trial) -> None:
    """The clock is frozen at the beginning of a window, so that Retry-After is always the same."""
    trial.workspace.clock.freeze()
    trial.workspace.clock.set("2025-03-01T12:00:00Z")
    fail_once("rate_limited", method="POST", first=2, window=3.0, times=1)(trial)


def _truncate_at_line(trial: Trial) -> None:
    """The last row is missing, and nothing in the file shows it: only its length differs from its offsets."""
    last = json.dumps(trial.load_expected(IMAGE)[-1], separators=(",", ":"))
    fail_once("truncated", survives=False, bytes=len(last) + 1, **RESULTS)(trial)


def _revoke_key(trial: Trial) -> None:
    trial.workspace.fault("key_revoked", method="POST", first=3)
    try:
        rows = trial.export_rows(IMAGE)
    except ClientError as error:
        trial.report(error) if error.not_offered else trial.note(error)
        return
    trial.find("refusal-hidden", f"it raised nothing, and gave {len(rows)} rows")


RETRY = (
    Case(
        "create-503", Profile.RETRY, "503 when the export is created",
        fail_once("server_error", survives=False, status=503, **CREATE),
        "Nothing was created, but a client cannot know it.",
    ),
    Case(
        "create-503-after", Profile.RETRY, "503 after the export was created",
        fail_once("server_error", survives=False, status=503, when="after", **CREATE),
        "A client that repeats the mutation has two exports.",
    ),
    *(
        Case(
            f"call-{number}-503", Profile.RETRY, f"503 as the answer to GraphQL call {number}", _fail_call(number),
            "Queries may be repeated.",
        )
        for number in range(2, 5)
    ),
    Case(
        "page-502", Profile.RETRY, "502 with a page of HTML", fail_once("server_error_page", method="POST", first=2),
        "Proxies answer with pages; they are no GraphQL.",
    ),
    Case(
        "upstream", Profile.RETRY, "503 with the text of the service's proxy",
        fail_once("upstream_error", method="POST", first=2), "SDKs know this text and repeat the call.",
    ),
    Case(
        "rate-limit", Profile.RETRY, "429 with Retry-After",
        _limit_rate,
        "Wait as long as the header says, and repeat the call.",
    ),
    Case(
        "three-503", Profile.RETRY, "503 three times, one after the other",
        fail_once("server_error", method="POST", first=2, times=3, status=503),
        "A service that is being restarted answers so for some seconds.",
    ),
    Case(
        "reset", Profile.RETRY, "a connection that is reset", fail_once("connection_reset", method="POST", first=2),
        "Networks do that; queries may be repeated.",
    ),
    Case(
        "slow", Profile.RETRY, "an answer that is three seconds late",
        fail_once("slow", method="POST", first=2, seconds=3.0), "It is late, and right.",
    ),
    Case(
        "page-200", Profile.RETRY, "200 with a page of HTML",
        fail_once("html_page", survives=False, method="POST", first=2),
        "Captive portals answer so.", mistake="nonsense-hidden",
    ),
    Case(
        "data-null", Profile.RETRY, "an answer whose data is null",
        fail_once("data_null", survives=False, method="POST", first=2), "It is not an empty result.",
        mistake="nonsense-hidden",
    ),
    Case(
        "key-revoked", Profile.RETRY, "a key that is revoked during the export", _revoke_key,
        "Every later call is refused.",
    ),
    Case(
        "file-503", Profile.RETRY, "503 for a file of the result", fail_once("server_error", status=503, **RESULTS),
        "Files may be requested again.", mistake="file-skipped",
    ),
    Case(
        "file-expired", Profile.RETRY, "a link that has expired", fail_once("link_expired", **RESULTS),
        "The same query gives a new link.", mistake="file-skipped",
    ),
    Case(
        "file-reset", Profile.RETRY, "a file whose connection is reset",
        fail_once("reset_within", bytes=9000, **RESULTS),
        "What was received is not the whole.", mistake="truncation-hidden",
    ),
    Case(
        "file-closed", Profile.RETRY, "a file that ends early", fail_once("closed_within", bytes=9000, **RESULTS),
        "Content-Length says that more should follow.", mistake="truncation-hidden",
    ),
    Case(
        "file-truncated", Profile.RETRY, "a file without its last bytes",
        fail_once("truncated", survives=False, bytes=100, **RESULTS), "The last line is cut.",
        mistake="truncation-hidden",
    ),
    Case(
        "file-truncated-line", Profile.RETRY, "a file without its last line", _truncate_at_line,
        "Every line is whole; only the length differs from `offsets`.", mistake="truncation-hidden",
    ),
    Case(
        "file-short-length", Profile.RETRY, "a file with a Content-Length that is too small",
        fail_once("length_too_small", survives=False, bytes=5000, **RESULTS),
        "HTTP libraries stop there; `offsets` say how long the file is.", mistake="length-trusted",
    ),
    Case(
        "file-corrupted", Profile.RETRY, "a file with a byte that is zero",
        fail_once("corrupted", survives=False, **RESULTS), "The line is no JSON.", mistake="corruption-hidden",
    ),
    Case(
        "file-loop", Profile.RETRY, "a file that redirects to itself",
        fail_once("redirect_loop", survives=False, **RESULTS), "A client must stop following.",
        mistake="file-skipped",
    ),
)  # fmt: skip
