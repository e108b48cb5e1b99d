"""The report as people read it."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.certification.cases import Group, Level
from mockserver.certification.judge import Result, Verdict
from mockserver.certification.patterns import Diagnosis
from mockserver.certification.report import Report, grade_of

SIGNS = {
    Verdict.PASSED: "ok  ",
    Verdict.FAILED: "FAIL",
    Verdict.REMARK: "hm  ",
    Verdict.NOTED: "note",
    Verdict.LEFT_OUT: "-   ",
}
WIDTH = 62
"""Of the titles."""
LEGEND = "A all right · B remarks · C many remarks · F something that must be is not"


def as_text(report: Report) -> str:
    """Grades by group, a line for each case, what is likely wrong, what to do."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"Certification of {report.url}"
    yield ""
    for group in Group:
        results = report.of(group)
        yield f"{grade_of(results)}  {group}"
        yield from (_case_line(result) for result in results)
        yield ""
    yield from _what_is_wrong(report)
    yield from _advice(report)
    yield _summary(report)


def _case_line(result: Result) -> str:
    remark = f"  ({result.remark})" if result.remark else ""
    return f"   {SIGNS[result.verdict]} {result.case.title:<{WIDTH}} {result.told}{remark}"


def _what_is_wrong(report: Report) -> Iterator[str]:
    if not report.diagnoses:
        return
    yield "What is likely wrong"
    for diagnosis in report.diagnoses:
        yield from _diagnosis(diagnosis)
    yield ""


def _diagnosis(diagnosis: Diagnosis) -> Iterator[str]:
    sure = "proven" if diagnosis.proven else "likely"
    yield f"   {diagnosis.title} [{diagnosis.name}]"
    yield f"      {sure}: {diagnosis.evidence}"
    yield f"      do: {diagnosis.advice}"


def _advice(report: Report) -> Iterator[str]:
    """One entry for each advice, with the cases that it is for."""
    wanting = [result for result in report.results if result.verdict in {Verdict.FAILED, Verdict.REMARK}]
    by_advice: dict[str, list[str]] = {}
    for result in wanting:
        by_advice.setdefault(result.case.advice, []).append(result.case.name)
    if by_advice:
        yield "What to do"
        for advice, names in by_advice.items():
            yield f"   {advice}"
            yield f"      for: {', '.join(names)}"
        yield ""


def _summary(report: Report) -> str:
    counted = {verdict: len(report.having(verdict)) for verdict in Verdict}
    musts = sum(result.case.level is Level.MUST for result in report.having(Verdict.FAILED))
    outcome = "CERTIFIED" if report.flawless else "CERTIFIED, with remarks" if report.passed else "NOT CERTIFIED"
    verified = f"; {report.verified_headers}" if report.verified_headers else ""
    return (
        f"{outcome}, grade {report.grade} ({LEGEND})\n"
        f"{counted[Verdict.PASSED]} right, {musts} wrong, {counted[Verdict.REMARK]} with a remark, "
        f"{counted[Verdict.NOTED]} noted, {counted[Verdict.LEFT_OUT]} left out, in {report.seconds:.1f} s{verified}"
    )
