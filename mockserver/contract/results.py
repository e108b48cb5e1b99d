"""The result of each case, and of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec

from mockserver.certification.cases import Level
from mockserver.contract.cases import Case, Profile
from mockserver.contract.mistakes import BY_NAME, Finding
from mockserver.contract.trial import Trial


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    """A `must` was not met."""
    REMARK = "remark"
    """A `should` was not met."""
    NOTED = "noted"
    NOT_OFFERED = "not offered"
    """The client does not have the operation, or does not have it for this scope. This is never a pass."""
    KNOWN = "known"
    """It failed, and is listed as known to fail."""
    UNEXPECTED = "unexpected"
    """It passed, and is listed as known to fail."""


FAILING = {Verdict.FAILED, Verdict.UNEXPECTED}


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One case. `summary`: the result in a few words. `api_key`: the workspace in which it ran."""

    case: Case
    verdict: Verdict
    summary: str
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    api_key: str = ""
    requests: tuple[dict[str, Any], ...] = ()
    """The client's requests with their answers, as the journal has them."""

    @property
    def fails(self) -> bool:
        """Whether this result breaks the contract."""
        return self.verdict in FAILING


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The results of all cases with one client."""

    client: str
    seconds: float
    results: list[Result]

    @property
    def passed(self) -> bool:
        """Whether no required case failed, and some case was judged."""
        return not any(result.fails for result in self.results) and self.judged > 0

    @property
    def flawless(self) -> bool:
        """Whether it passed without a remark."""
        return self.passed and not self.results_with(Verdict.REMARK)

    @property
    def judged(self) -> int:
        """The number of cases that the client offers."""
        return len(self.results) - len(self.results_with(Verdict.NOT_OFFERED))

    def results_of(self, profile: Profile) -> list[Result]:
        return [result for result in self.results if result.case.profile is profile]

    def results_with(self, verdict: Verdict) -> list[Result]:
        return [result for result in self.results if result.verdict is verdict]

    def result(self, name: str) -> Result:
        """The result of the case with this name. Raises KeyError."""
        return {result.case.name: result for result in self.results}[name]

    @property
    def mistakes(self) -> list[str]:
        """The names of all mistakes, each once, in the order in which they were found."""
        return list(dict.fromkeys(finding.mistake for result in self.results for finding in result.findings))


_VERDICTS = {Level.MUST: Verdict.FAILED, Level.SHOULD: Verdict.REMARK, Level.NOTE: Verdict.NOTED}


def judge(findings: Sequence[Finding]) -> Verdict:
    """Returns the verdict of the most serious finding."""
    levels = {finding.level for finding in findings}
    return next((verdict for level, verdict in _VERDICTS.items() if level in levels), Verdict.PASSED)


def conclude(case: Case, trial: Trial, *, seconds: float) -> Result:
    """Judges a case that has ended."""
    verdict = Verdict.NOT_OFFERED if trial.not_offered and not trial.findings else judge(trial.findings)
    return Result(
        case=case,
        verdict=verdict,
        summary=_summarise(trial, verdict),
        findings=tuple(trial.findings),
        notes=tuple(trial.notes),
        seconds=seconds,
        api_key=trial.workspace.api_key,
        requests=tuple(trial.requests),
    )


def _summarise(trial: Trial, verdict: Verdict) -> str:
    if verdict is Verdict.NOT_OFFERED:
        return trial.not_offered
    if trial.findings:
        return BY_NAME[trial.findings[0].mistake].title
    return "; ".join(trial.notes) or "as expected"
