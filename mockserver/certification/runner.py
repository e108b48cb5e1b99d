"""A certification: every case in its order, then the diagnosis."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Sequence

from mockserver.certification.bench import Bench
from mockserver.certification.cases import Case
from mockserver.certification.documents import Document, documents_of
from mockserver.certification.forged import FORGED
from mockserver.certification.good import GOOD, SPELLING
from mockserver.certification.judge import Result, judge, left_out
from mockserver.certification.odd import LOAD, ODD, REPEATED
from mockserver.certification.oracle import diagnose
from mockserver.certification.report import GAVE_UP, Report
from mockserver.certification.wire import Answer, NotReached, Target, Wire, check_header, check_text
from mockserver.errors import StartupError, nearest, quoted

CASES: tuple[Case, ...] = (*GOOD, *SPELLING, *FORGED, *REPEATED, *LOAD, *ODD)
WITHIN = 5.0
"""Seconds in which a receiver should answer. What the service allows is not known; others allow five to ten."""
PATIENCE = 2
"""So many times `within` an answer is waited for."""
SILENT_CASES = 3
"""After so many cases in a row without any answer the rest is not sent."""


def certify(
    url: str,
    *,
    secret: str,
    topic: str = "LABEL_CREATED",
    within: float = WITHIN,
    leave_out: Collection[str] = (),
    documents: list[Document] | None = None,
    tell: Callable[[Result], None] | None = None,
) -> Report:
    """Send every case to the receiver at `url`. Raises StartupError when nobody listens there.

    `topic`: that of messages which are not about topics. `leave_out`: names of cases not to send. `documents`: what
    messages carry, by default the labelled rows of the default scenario. `tell` is called with each result as it comes.
    """
    target = Target.of(url)
    if not secret:
        raise StartupError("the secret is empty; the service refuses webhooks without one; give the receiver's own")
    check_text("the secret", secret)
    check_header("--topic", topic)
    made = documents_of() if documents is None else documents
    bench = Bench(made, secret=secret, topic=topic, run=secrets.token_hex(8))
    wire = Wire(target, timeout=PATIENCE * within)
    started = time.monotonic()
    check_names(leave_out)
    results = _results(wire, bench, within, leave_out, tell or (lambda _: None))
    return Report(
        url=url,
        topic=topic,
        results=results,
        diagnoses=diagnose(results, bench, wire.fire),
        seconds=time.monotonic() - started,
    )


def check_names(names: Collection[str]) -> None:
    """Raises StartupError for one that no case has."""
    known = [case.name for case in CASES]
    for name in names:
        if name not in known:
            raise StartupError(f"there is no case {name!r}; nearest known are {quoted(nearest(name, known))}")


def _results(
    wire: Wire, bench: Bench, within: float, leave_out: Collection[str], tell: Callable[[Result], None]
) -> list[Result]:
    results: list[Result] = []
    silent = 0
    for case in CASES:
        if case.name in leave_out:
            result = left_out(case, "as asked")
        elif silent >= SILENT_CASES:
            result = left_out(case, GAVE_UP)
        else:
            result = _tried(case, wire, bench, within)
        if not results and _never_there(result):
            raise StartupError(f"{result.told}; start your receiver first, or correct the address")
        silent = silent + 1 if _silent(result.answers) else 0 if result.answers else silent
        results.append(result)
        tell(result)
    return results


def _tried(case: Case, wire: Wire, bench: Bench, within: float) -> Result:
    shots = case.send(bench)
    if shots is None:
        return left_out(case, "the scenario has nothing to make it of")
    try:
        answers = wire.fire(shots)
    except NotReached as error:
        answers = [Answer(status=None, seconds=0.0, trouble=str(error), reached=False)]
    return judge(case, answers, within=within)


def _never_there(result: Result) -> bool:
    return any(not answer.reached for answer in result.answers)


def _silent(answers: Sequence[Answer]) -> bool:
    return bool(answers) and all(answer.status is None for answer in answers)
