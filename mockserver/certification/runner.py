"""Runs a certification: every case in its order, then the diagnosis."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from mockserver.certification.cases import Case
from mockserver.certification.client import Answer, Client, NotReached, check_header, check_text
from mockserver.certification.diagnosis import diagnose
from mockserver.certification.documents import Document, load_documents
from mockserver.certification.factory import MessageFactory
from mockserver.certification.forged import FORGED
from mockserver.certification.good import GOOD, SPELLING
from mockserver.certification.judge import NOT_REQUESTED, Result, build_left_out, judge
from mockserver.certification.load import LOAD
from mockserver.certification.local_app import serve_app
from mockserver.certification.odd import ODD
from mockserver.certification.repeated import REPEATED
from mockserver.certification.report import GAVE_UP, Report
from mockserver.certification.rotation import RETIRED, ROTATION
from mockserver.errors import StartupError, nearest, quote
from mockserver.webhooks.targets import Allowed

CASES: tuple[Case, ...] = (*GOOD, *SPELLING, *FORGED, *REPEATED, *LOAD, *ODD)
WITHIN = 5.0
"""Seconds within which a receiver should answer. The service's own limit is not known; others allow five to ten."""
PATIENCE = 2
"""An answer is waited for so many times `within`."""
SILENT_CASES = 3
"""After so many consecutive cases without an answer the rest is not sent."""


def certify(
    url: str | None = None,
    *,
    secret: str,
    app: Any = None,
    path: str = "/",
    previous_secret: str | None = None,
    retired_secret: str | None = None,
    topic: str = "LABEL_CREATED",
    within: float = WITHIN,
    leave_out: Collection[str] = (),
    only: Collection[str] = (),
    documents: list[Document] | None = None,
    tell: Callable[[Result], None] | None = None,
    allowed: Allowed | None = None,
    check: Callable[[], None] | None = None,
) -> Report:
    """Sends every case to the receiver at `url`, or at `path` of an ASGI or WSGI application, which is served for it.

    Raises StartupError if no server listens there. `previous_secret`: it has to be accepted, too.
    `retired_secret`: it has to be refused. `topic`: the topic of messages that do not test topics. `leave_out`: names
    of cases not to send; `only`: of those to send, by default all. `documents`: the bodies, by default the labelled
    rows of the default scenario. `tell` is called with each result. `allowed`: the addresses to which messages may
    be sent, by default every one. `check` is called again and again during the waits: an error that it raises ends the
    certification.
    """
    if (url is None) == (app is None):
        raise StartupError("a receiver is needed; give either its url, or an app that is served for the certification")
    for value in (secret, previous_secret, retired_secret):
        if value == "":
            raise StartupError("the secret is empty; the service refuses webhooks without one; give the receiver's own")
        check_text("the secret", value or "")
    check_header("--topic", topic)
    if retired_secret in {secret, previous_secret} - {None}:
        raise StartupError("the retired secret is also one to accept; give the one that was replaced")
    cases = (*CASES, *(ROTATION if previous_secret else ()), *(RETIRED if retired_secret else ()))
    check_names([*leave_out, *only], cases)
    reasons = dict.fromkeys(leave_out, "as requested")
    if only:
        reasons |= {case.name: NOT_REQUESTED for case in cases if case.name not in only}
    with nullcontext(url) if url is not None else serve_app(app, path) as address:
        client = Client(address, timeout=PATIENCE * within, allowed=allowed, check=check)
        bodies = load_documents() if documents is None else documents
        factory = MessageFactory(
            bodies,
            secret=secret,
            previous_secret=previous_secret,
            retired_secret=retired_secret,
            topic=topic,
            run=secrets.token_hex(8),
        )
        started = time.monotonic()
        with client:
            results = _run_cases(cases, client, factory, within, reasons, tell or (lambda _: None))
            diagnoses = diagnose(results, factory, client.send)
    seconds = time.monotonic() - started
    return Report(url=address, topic=topic, results=results, diagnoses=diagnoses, seconds=seconds)


def check_names(names: Collection[str], cases: Sequence[Case]) -> None:
    """Raises StartupError for a name that no case has, or whose case needs a secret that is not given."""
    known = [case.name for case in (*CASES, *ROTATION, *RETIRED)]
    for name in names:
        if name in known and name not in [case.name for case in cases]:
            kind = "retired" if name in [case.name for case in RETIRED] else "previous"
            raise StartupError(f"case {name!r} needs a {kind} secret; give it with --{kind}-secret")
        if name not in known:
            raise StartupError(f"unknown case {name!r}; the nearest known are {quote(nearest(name, known))}")


def _run_cases(
    cases: Sequence[Case],
    client: Client,
    factory: MessageFactory,
    within: float,
    left_out: Mapping[str, str],
    tell: Callable[[Result], None],
) -> list[Result]:
    """Runs the cases in their order; `left_out` has the reasons for those that are not sent, by name."""
    results: list[Result] = []
    silent = 0
    for case in cases:
        if case.name in left_out:
            result = build_left_out(case, left_out[case.name])
        elif silent >= SILENT_CASES:
            result = build_left_out(case, GAVE_UP)
        else:
            result = _run_case(case, client, factory, within)
        if not any(earlier.answers for earlier in results) and _is_unreached(result):
            raise StartupError(f"{result.summary}; start your receiver first, or correct the address")
        silent = silent + 1 if _is_silent(result.answers) else 0 if result.answers else silent
        results.append(result)
        tell(result)
    return results


def _run_case(case: Case, client: Client, factory: MessageFactory, within: float) -> Result:
    requests = case.build(factory)
    if requests is None:
        return build_left_out(case, "the scenario has no data for it")
    try:
        answers = client.send(requests)
    except NotReached as error:
        answers = [Answer(status=None, seconds=0.0, trouble=str(error), reached=False)]
    return judge(case, answers, within=within)


def _is_unreached(result: Result) -> bool:
    return any(not answer.reached for answer in result.answers)


def _is_silent(answers: Sequence[Answer]) -> bool:
    return bool(answers) and all(answer.status is None for answer in answers)
