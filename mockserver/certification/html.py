"""The report as one HTML file that needs nothing else: likely mistakes, and each message with its answer."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from mockserver.certification.cases import Group
from mockserver.certification.client import Answer
from mockserver.certification.judge import NOT_REQUESTED, Result, Verdict
from mockserver.certification.report import Report, grade_of
from mockserver.certification.text import describe_counts, describe_outcome
from mockserver.report_page import build_page, render_case, render_folded, render_mistake

MOST_EXCHANGES = 20
"""Messages of one case that are shown."""
KINDS = {Verdict.PASSED: "good", Verdict.FAILED: "bad", Verdict.REMARK: "warn"}


def as_html(report: Report) -> bytes:
    """Renders the page. A case that did not pass is open, unless it only follows from another."""
    return build_page(
        f"Certification of {report.url}", f"{describe_outcome(report)}: {describe_counts(report)}", _lines(report)
    )


def _lines(report: Report) -> Iterator[str]:
    if report.diagnoses:
        yield "<h2>What is likely wrong</h2>"
    for diagnosis in report.diagnoses:
        certainty = "Proven" if diagnosis.proven else "Likely"
        yield render_mistake(
            diagnosis.title, diagnosis.name, f"{certainty}: {diagnosis.evidence}", f"Do: {diagnosis.advice}"
        )
    for group in Group:
        results = [result for result in report.results_of(group) if result.remark != NOT_REQUESTED]
        if results:
            yield f"<h2>{escape(group)}: {grade_of(results)}</h2>"
            yield from (_render(result, follows=report.follows(result)) for result in results)


def _render(result: Result, *, follows: bool) -> str:
    remark = "follows from the refusal of the first message" if follows else result.remark
    return render_case(
        result.case.name,
        verdict=result.verdict,
        kind=KINDS.get(result.verdict, "soft"),
        title=f"{result.case.title}: {result.summary}" + (f" ({remark})" if remark else ""),
        opened=result.verdict in {Verdict.FAILED, Verdict.REMARK} and not follows,
        content=_details(result),
    )


def _details(result: Result) -> Iterator[str]:
    case = result.case
    yield f'<p class="soft">{escape(case.why)} ({case.level}: {case.expect}; {result.seconds:.1f} s)</p>'
    if case.advice and result.verdict in {Verdict.FAILED, Verdict.REMARK}:
        yield f"<p>{escape(case.advice)}</p>"
    for answer in result.answers[:MOST_EXCHANGES]:
        yield render_folded(f"{answer.summary} after {answer.seconds:.3f} s", _blocks(answer))
    if len(result.answers) > MOST_EXCHANGES:
        yield f'<p class="soft">{len(result.answers) - MOST_EXCHANGES} more messages are not shown.</p>'


def _blocks(answer: Answer) -> Iterator[tuple[str, str]]:
    if answer.message is not None:
        message = answer.message
        body, size = message.body, message.size
        cut = "" if size == len(body) else f", of which {len(body):,} are shown"
        yield f"The message, with a body of {size:,} bytes{cut}", f"{message.head}{_decode(body)}"
    if answer.body:
        yield "The body of the answer", _decode(answer.body)


def _decode(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")
