"""The report of a certification as JUnit XML."""

from __future__ import annotations

from mockserver.certification.cases import Group
from mockserver.certification.judge import Result, Verdict
from mockserver.certification.report import Report
from mockserver.certification.text import as_text
from mockserver.junit import Case, render_junit


def as_junit(report: Report, *, strict: bool = False) -> bytes:
    """Renders one suite for each group. With `strict`, remarks are failures too. Cases left out are skipped."""
    suites = [
        (str(group), [_build_case(result, strict=strict) for result in report.results_of(group)]) for group in Group
    ]
    return render_junit("webhook receiver", suites, as_text(report))


def _build_case(result: Result, *, strict: bool) -> Case:
    has_failed = result.verdict is Verdict.FAILED or (strict and result.verdict is Verdict.REMARK)
    return Case(
        name=f"{result.case.name}: {result.case.title}",
        seconds=result.seconds,
        message=f"answered {result.summary}; expected {result.case.expect}; {result.remark}".removesuffix("; "),
        level=result.case.level,
        failure=f"{result.case.why}\n{result.case.advice}" if has_failed else None,
        skipped=result.verdict is Verdict.LEFT_OUT,
    )
