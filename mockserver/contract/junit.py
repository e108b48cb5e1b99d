"""The report of a contract as JUnit XML."""

from __future__ import annotations

from mockserver.contract.cases import TITLES, Profile
from mockserver.contract.mistakes import BY_NAME
from mockserver.contract.results import Report, Result, Verdict
from mockserver.contract.text import as_text
from mockserver.junit import Case, render_junit

SKIPPED = {Verdict.NOT_OFFERED, Verdict.KNOWN}


def as_junit(report: Report, *, strict: bool = False) -> bytes:
    """Renders one suite for each profile. With `strict`, remarks are failures too."""
    suites = [
        (TITLES[profile], [_build_case(result, strict=strict) for result in report.results_of(profile)])
        for profile in Profile
    ]
    return render_junit("client contract", [suite for suite in suites if suite[1]], as_text(report))


def _build_case(result: Result, *, strict: bool) -> Case:
    has_failed = result.fails or (strict and result.verdict is Verdict.REMARK)
    return Case(
        name=f"{result.case.name}: {result.case.title}",
        seconds=result.seconds,
        message=result.summary,
        level=result.case.level,
        failure="\n".join([*_list_findings(result), result.case.why]) if has_failed else None,
        skipped=result.verdict in SKIPPED,
    )


def _list_findings(result: Result) -> list[str]:
    return [
        f"[{finding.mistake}] {BY_NAME[finding.mistake].title}: {finding.detail}\ndo: {BY_NAME[finding.mistake].advice}"
        for finding in result.findings
    ]
