"""The report as text."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.contract.cases import TITLES, Profile
from mockserver.contract.mistakes import BY_NAME
from mockserver.contract.results import Report, Result, Verdict

SIGNS = {
    Verdict.PASSED: "ok  ",
    Verdict.FAILED: "FAIL",
    Verdict.REMARK: "hm  ",
    Verdict.NOTED: "note",
    Verdict.NOT_OFFERED: "-   ",
    Verdict.KNOWN: "know",
    Verdict.UNEXPECTED: "FAIL",
}
WIDTH = 50
"""Characters of a title."""


def as_text(report: Report) -> str:
    """Renders a line for each case by profile, the mistakes with their advice, and the outcome."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"The contract of {report.client}"
    yield ""
    for profile in Profile:
        results = report.results_of(profile)
        if results:
            yield TITLES[profile]
            yield from (_case_line(result) for result in results)
            yield ""
    yield from _mistakes(report)
    yield summarise(report)


def _case_line(result: Result) -> str:
    return f"   {SIGNS[result.verdict]} {result.case.name:<24} {result.case.title:<{WIDTH}} {result.summary}"


def _mistakes(report: Report) -> Iterator[str]:
    """Each mistake once, with what each case has shown of it."""
    if report.mistakes:
        yield "Mistakes"
    for name in report.mistakes:
        yield f"   {BY_NAME[name].title} [{name}]"
        for result in report.results:
            for finding in result.findings:
                if finding.mistake == name:
                    yield f"      {result.case.name}: {' '.join(finding.detail.split())}"
        yield f"      do: {BY_NAME[name].advice}"
    if report.mistakes:
        yield ""


def summarise(report: Report) -> str:
    counts = {verdict: len(report.results_with(verdict)) for verdict in Verdict}
    outcome = "KEPT" if report.flawless else "KEPT, with remarks" if report.passed else "NOT KEPT"
    failed = sum(result.fails for result in report.results)
    known = f"{counts[Verdict.KNOWN]} known to fail, " if counts[Verdict.KNOWN] else ""
    return (
        f"{outcome}: {counts[Verdict.PASSED]} passed, {failed} failed, {known}"
        f"{counts[Verdict.REMARK]} with a remark, {counts[Verdict.NOTED]} noted, "
        f"{counts[Verdict.NOT_OFFERED]} not offered, in {report.seconds:.1f} s"
    )
