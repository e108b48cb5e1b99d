"""The table of faults. A new fault is one row, its words, and a row in docs/faults.md."""

from __future__ import annotations

from mockserver.faults import answers, streams
from mockserver.faults.answers import (
    COMPLEX,
    EXCEEDED,
    answer_document,
    build_fixed,
)
from mockserver.faults.call import FaultyCall
from mockserver.faults.kind import Act, Kind, Stage
from mockserver.faults.streams import change

EVERY = None
"""`times` of a fault that lasts until it is removed."""


def _answer(summary: str, act: Act, *, times: int | None = 1, **options: object) -> Kind:
    return Kind(summary, Stage.ANSWER, act, options, times)


def _body(summary: str, act: Act, **options: object) -> Kind:
    return Kind(summary, Stage.BODY, act, options)


def _export(summary: str, **options: object) -> Kind:
    return Kind(summary, Stage.EXPORT, None, options)


def _build_errors(error: object) -> object:
    return {"errors": [error], "data": None}


def _build_malformed(summary: str, document: object) -> Kind:
    """An answer of GraphQL that breaks its form (wire: SDKs fail on each with an exception of Python)."""
    return _answer(summary, answer_document(build_fixed(document), 200))


KINDS: dict[str, Kind] = {
    # Errors of the service
    "server_error": _answer(
        "`status` 500, 502, 503 or 504 with an error in JSON",
        answer_document(answers.build_server_error), status=500, message="Internal server error",
    ),
    "server_error_page": _answer("`status` with a page of HTML, as proxies answer", answers.answer_page, status=502),
    "upstream_error": _answer(
        "`status` with the text `upstream connect error …` of the service's proxy",
        answers.answer_upstream_error, status=503,
    ),
    "rate_limited": _answer(
        "`status` 429 with `Retry-After` for all but `limit` calls of each fixed window of `window` seconds",
        answers.limit_rate, times=EVERY, status=429, limit=0, window=60.0, message=EXCEEDED,
    ),
    "graphql_error": _answer(
        "an error with any `code` and `message`", answer_document(answers.build_coded_error),
        status=200, code=None, message="The request was refused because a test requested it",
    ),
    "internal_error": _answer(
        "HTTP 200 with the code INTERNAL_SERVER_ERROR and no `extensions.exception`",
        answer_document(answers.build_internal_error, 200), message="Internal server error",
    ),
    "internal_error_with_status": _answer(
        "HTTP 200 with the code INTERNAL_SERVER_ERROR and `status` as its `extensions.exception.status`",
        answer_document(answers.build_server_error, 200), status=503, message="Internal server error",
    ),
    "validation_masked": _answer(
        "the one message that the service has for documents that do not fit its schema",
        answer_document(answers.build_masked, 400),
    ),
    "complexity_limit": _answer(f"`{COMPLEX}`", answer_document(answers.build_complexity_error, 400)),
    "refusal_of_2020": _answer(
        "an AUTHORIZATION_ERROR within an INTERNAL_SERVER_ERROR, as the service sent it in 2020",
        answer_document(answers.build_refusal_of_2020, 200),
    ),
    "key_revoked": _answer("the API key is refused, from then on", answers.revoke_key, times=EVERY),
    "not_found": _answer("the requested file or record was deleted", answers.lose_file),
    "link_expired": _answer("the link of a file has expired", answers.expire_link),
    "redirect_loop": _answer("redirects to the same address", answers.redirect, times=EVERY),
    # Answers that no client expects
    "html_page": _answer("HTTP 200 with a page of HTML, as captive portals answer", answers.answer_page, status=200),
    "empty_body": _answer("`status` without a body", answers.answer_nothing, status=200),
    "error_without_extensions": _build_malformed(
        "an error that has only a message", _build_errors({"message": "No extensions"})
    ),
    "errors_null": _build_malformed("`errors` is null", {"errors": None, "data": None}),
    "message_null": _build_malformed(
        "the message of an error is null", _build_errors({"message": None, "extensions": {"code": "BAD_USER_INPUT"}})
    ),
    "data_missing": _build_malformed("neither `data` nor `errors`", {}),
    "data_null": _build_malformed("`data` is null, without an error", {"data": None}),
    # Time and connections
    "slow": _answer(
        "the answer is late by `seconds`, and by a seeded share of `spread`", answers.answer_late,
        seconds=5.0, spread=0.0,
    ),
    "hangs": _answer(
        "the answer never comes; the connection stays open", answers.end_connection(FaultyCall.wait_for_end)
    ),
    "connection_reset": _answer("the connection is reset before the answer", answers.end_connection(FaultyCall.reset)),
    "connection_closed": _answer("the connection ends before the answer", answers.end_connection(FaultyCall.close)),
    # Bodies
    "reset_within": _body("the connection is reset after `bytes` of the body", streams.reset_within, bytes=100),
    "closed_within": _body("the connection ends after `bytes` of the body", streams.close_within, bytes=100),
    "truncated": _body(
        "the last `bytes` of the body are missing, and the length fits", change(streams.Truncated), bytes=100
    ),
    "corrupted": _body("one byte in the middle of the body is zero", change(streams.Corrupted)),
    "length_too_large": _body(
        "Content-Length is larger by `bytes`, then the connection ends", change(streams.TooLong), bytes=100
    ),
    "length_too_small": _body(
        "Content-Length is smaller by `bytes`; the rest follows it", change(streams.TooShort), bytes=100
    ),
    "slow_body": _body("the body is sent at `rate` bytes a second", change(streams.Slow), rate=1000),
    "frames_missing": _body("only every `keep`th line of frames is sent", change(streams.FewerLines), keep=2),
    # Exports
    "export_fails": _export(
        "the export ends FAILED with `message` when it would be COMPLETE",
        message="This export fails because a test requested it"
    ),
    "export_rows_fail": _export(
        "`data_rows` (ids or global keys) are left out, and listed in the stream of errors with `message`",
        data_rows=None, message="This data row fails because a test requested it",
    ),
    "export_frames_missing": _export("only every `keep`th frame of clips is in the rows", keep=2),
    "export_hangs": _export("the export stays IN_PROGRESS until it is cancelled"),
}  # fmt: skip
"""Name -> kind. Sources: SDK lbox request_client.py:246-383 and client.py of every generation, tried against each."""
