"""The report as one HTML file that needs nothing else: findings, and each exchange with a curl line."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from mockserver.contract.cases import TITLES, Profile
from mockserver.contract.exchanges import describe, render_bodies, render_curl
from mockserver.contract.mistakes import BY_NAME
from mockserver.contract.results import Report, Result, Verdict
from mockserver.contract.text import summarise
from mockserver.report_page import build_page, render_case, render_folded, render_mistake

MOST_EXCHANGES = 200
"""Exchanges of one case that are shown."""
KINDS = {Verdict.PASSED: "good", Verdict.FAILED: "bad", Verdict.UNEXPECTED: "bad", Verdict.REMARK: "warn"}


def as_html(report: Report) -> bytes:
    """Renders the page. A case that did not pass is open."""
    return build_page(f"The contract of {report.client}", summarise(report), _lines(report))


def _lines(report: Report) -> Iterator[str]:
    for profile in Profile:
        results = report.results_of(profile)
        if results:
            yield f"<h2>{escape(TITLES[profile])}</h2>"
            yield from map(_render, results)


def _render(result: Result) -> str:
    return render_case(
        result.case.name,
        verdict=result.verdict,
        kind=KINDS.get(result.verdict, "soft"),
        title=f"{result.case.title}: {result.summary}",
        opened=result.fails or result.verdict is Verdict.REMARK,
        content=_details(result),
    )


def _details(result: Result) -> Iterator[str]:
    case = result.case
    yield f'<p class="soft">{escape(case.why)} ({case.level}, {result.seconds:.1f} s)</p>'
    for finding in result.findings:
        mistake = BY_NAME[finding.mistake]
        yield render_mistake(mistake.title, finding.mistake, finding.detail, mistake.advice)
    for entry in result.requests[:MOST_EXCHANGES]:
        yield render_folded(describe(entry), [("", render_curl(entry, result.api_key)), *render_bodies(entry)])
