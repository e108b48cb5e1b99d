"""The outcome of a certification."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from mockserver.certification.cases import Group
from mockserver.certification.judge import Result, Verdict
from mockserver.certification.patterns import Diagnosis, Seen


class Grade(StrEnum):
    A = "A"
    """Everything right."""
    B = "B"
    """All that must be; remarks on up to a third of the cases."""
    C = "C"
    """All that must be; remarks on more than that."""
    F = "F"
    """Something that must be is not."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent to `url`, what came back, and what is likely wrong. `diagnoses`: proven ones first."""

    url: str
    topic: str
    seconds: float
    results: list[Result]
    diagnoses: list[Diagnosis]

    @property
    def passed(self) -> bool:
        """All that must be is."""
        return self.grade is not Grade.F

    @property
    def flawless(self) -> bool:
        """And all that should be, too."""
        return self.passed and not self.having(Verdict.REMARK)

    @property
    def grade(self) -> Grade:
        return grade_of(self.results)

    def of(self, group: Group) -> list[Result]:
        return [result for result in self.results if result.case.group is group]

    def having(self, verdict: Verdict) -> list[Result]:
        return [result for result in self.results if result.verdict is verdict]

    def result(self, name: str) -> Result:
        """That of the case of this name. Raises KeyError."""
        return {result.case.name: result for result in self.results}[name]

    @property
    def verified_headers(self) -> str:
        """Which signature it reads, as far as messages with one of them alone tell."""
        seen = Seen(self.results)
        if not seen.accepted("good") or seen.verifies_nothing:
            return ""
        first, second = seen.accepted("sha1-alone"), seen.accepted("sha256-alone")
        return {
            (True, True): "either signature is enough for it",
            (True, False): "it verifies X-Hub-Signature (SHA-1)",
            (False, True): "it verifies X-Hub-Signature-256 (SHA-256)",
            (False, False): "it wants both signatures",
        }[first, second]


GAVE_UP = "it had stopped answering"
"""Why the rest of the cases of a silent receiver were not sent."""


def grade_of(results: Sequence[Result]) -> Grade:
    """Of a group, or of all."""
    if any(result.verdict is Verdict.FAILED or result.remark == GAVE_UP for result in results):
        return Grade.F
    counted = [result for result in results if result.verdict in {Verdict.PASSED, Verdict.REMARK}]
    remarks = sum(result.verdict is Verdict.REMARK for result in counted)
    if remarks == 0:
        return Grade.A
    return Grade.B if remarks * 3 <= len(counted) else Grade.C
