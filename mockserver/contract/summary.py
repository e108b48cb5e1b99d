"""The report as Markdown, for the summary of a CI job."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.contract.cases import TITLES, Profile
from mockserver.contract.mistakes import BY_NAME
from mockserver.contract.results import Report, Verdict
from mockserver.contract.text import summarise

SHOWN = (Verdict.FAILED, Verdict.UNEXPECTED, Verdict.REMARK)
MOST_DETAIL = 300


def as_summary(report: Report) -> str:
    """Renders counts by profile, and the cases that did not pass."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"## The contract of {_cell(report.client)}\n\n{summarise(report)}\n"
    yield "| part | passed | failed | remarks | not offered |\n|---|---|---|---|---|"
    for profile in Profile:
        results = report.results_of(profile)
        if results:
            verdicts = [result.verdict for result in results]
            counts = [verdicts.count(Verdict.PASSED) + verdicts.count(Verdict.NOTED)]
            counts += [sum(result.fails for result in results)]
            counts += [verdicts.count(verdict) for verdict in (Verdict.REMARK, Verdict.NOT_OFFERED)]
            yield f"| {TITLES[profile]} | {' | '.join(map(str, counts))} |"
    results = [result for result in report.results if result.verdict in SHOWN]
    if results:
        yield "\n| case | verdict | mistake |\n|---|---|---|"
    for result in results:
        mistakes = [f"{BY_NAME[finding.mistake].title}: {finding.detail}" for finding in result.findings]
        yield f"| `{result.case.name}` | {result.verdict} | {_cell('; '.join(mistakes) or result.summary)} |"


def _cell(text: str) -> str:
    """A text that cannot end its cell."""
    plain = " ".join(text.split())[:MOST_DETAIL]
    return plain.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
