"""The report as text."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.certification.cases import Group, Level
from mockserver.certification.judge import NOT_REQUESTED, Result, Verdict
from mockserver.certification.patterns import Diagnosis
from mockserver.certification.report import Report, grade_of

SIGNS = {
    Verdict.PASSED: "ok  ",
    Verdict.FAILED: "FAIL",
    Verdict.REMARK: "warn",
    Verdict.NOTED: "info",
    Verdict.LEFT_OUT: "-   ",
}
WIDTH = 62
"""Characters of a title."""
LEGEND = "A all right · B remarks · C many remarks · F a required case failed"


def as_text(report: Report) -> str:
    """Renders the grades by group, a line for each case, the likely mistakes, and the advice."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"Certification of {report.url}"
    yield ""
    for group in Group:
        results = [result for result in report.results_of(group) if result.remark != NOT_REQUESTED]
        if results:
            yield f"{grade_of(results)}  {group}"
            yield from (_case_line(result) for result in results if not report.follows(result))
            yield from _consequences([result for result in results if report.follows(result)])
            yield ""
    yield from _advice(report)
    yield from _diagnoses(report)
    yield f"{describe_outcome(report)}\n{describe_counts(report)}"


def _consequences(results: list[Result]) -> Iterator[str]:
    """One line for the cases that fail because the first correct message is refused."""
    if results:
        cases = "1 more case fails" if len(results) == 1 else f"{len(results)} more cases fail"
        yield f"   {SIGNS[Verdict.FAILED]} {cases} for the same reason as the first"


def _case_line(result: Result) -> str:
    remark = f"  ({result.remark})" if result.remark else ""
    return f"   {SIGNS[result.verdict]} {result.case.title:<{WIDTH}} {result.summary}{remark}"


def _diagnoses(report: Report) -> Iterator[str]:
    if not report.diagnoses:
        return
    yield "What is likely wrong"
    for diagnosis in report.diagnoses:
        yield from _diagnosis_lines(diagnosis)
    yield ""


def _diagnosis_lines(diagnosis: Diagnosis) -> Iterator[str]:
    certainty = "proven" if diagnosis.proven else "likely"
    yield f"   {diagnosis.title} [{diagnosis.name}]"
    yield f"      {certainty}: {diagnosis.evidence}"
    yield f"      do: {diagnosis.advice}"


def _advice(report: Report) -> Iterator[str]:
    """One entry for each piece of advice, with its cases; none if a diagnosis explains them all."""
    if report.explains_failures:
        return
    failures = [result for result in report.results if result.verdict in {Verdict.FAILED, Verdict.REMARK}]
    by_advice: dict[str, list[str]] = {}
    for result in failures:
        by_advice.setdefault(result.case.advice, []).append(result.case.name)
    if by_advice:
        yield "What to do"
        for advice, names in by_advice.items():
            yield f"   {advice}"
            yield f"      for: {', '.join(names)}"
        yield ""


def describe_outcome(report: Report) -> str:
    """The outcome and the grade, in one line."""
    outcome = "CERTIFIED" if report.flawless else "CERTIFIED, with remarks" if report.passed else "NOT CERTIFIED"
    return f"{outcome}, grade {report.grade} ({LEGEND})"


def describe_counts(report: Report) -> str:
    """How many cases have which verdict, and which signature the receiver verifies."""
    counts = {verdict: len(report.results_with(verdict)) for verdict in Verdict}
    musts = sum(result.case.level is Level.MUST for result in report.results_with(Verdict.FAILED))
    verified = f"; {report.verified_headers}" if report.verified_headers else ""
    return (
        f"{counts[Verdict.PASSED]} right, {musts} wrong, {counts[Verdict.REMARK]} with a remark, "
        f"{counts[Verdict.NOTED]} noted, {counts[Verdict.LEFT_OUT]} left out, in {report.seconds:.1f} s{verified}"
    )
