"""The report of a certification."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from mockserver.certification.cases import Group
from mockserver.certification.judge import NOT_ACCEPTED, Result, Verdict
from mockserver.certification.observations import Observations
from mockserver.certification.patterns import Diagnosis

GOOD_MESSAGE = "good"
"""The name of the first case, a correct message."""


class Grade(StrEnum):
    A = "A"
    """All cases passed."""
    B = "B"
    """No failures; remarks on up to a third of the cases."""
    C = "C"
    """No failures; remarks on more than a third of the cases."""
    F = "F"
    """A required case failed."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The results of all cases at `url`, and the likely mistakes. `diagnoses`: proven ones first."""

    url: str
    topic: str
    seconds: float
    results: list[Result]
    diagnoses: list[Diagnosis]

    @property
    def passed(self) -> bool:
        """Whether no required case failed."""
        return self.grade is not Grade.F

    @property
    def flawless(self) -> bool:
        """Whether it passed without a remark."""
        return self.passed and not self.results_with(Verdict.REMARK)

    @property
    def grade(self) -> Grade:
        return grade_of(self.results)

    @property
    def refuses_correct_messages(self) -> bool:
        """Whether even the plainest correct message was refused, from which most other failures follow."""
        return any(result.case.name == GOOD_MESSAGE and result.verdict is Verdict.FAILED for result in self.results)

    @property
    def explains_failures(self) -> bool:
        """Whether all failures follow from one: the receiver refuses correct messages, and the reason is known."""
        return self.refuses_correct_messages and bool(self.diagnoses)

    def follows(self, result: Result) -> bool:
        """Whether a result only follows from the refusal of the first message, whose reason is known."""
        return self.explains_failures and result.case.name != GOOD_MESSAGE and result.remark == NOT_ACCEPTED

    def results_of(self, group: Group) -> list[Result]:
        """The results of the cases in a group."""
        return [result for result in self.results if result.case.group is group]

    def results_with(self, verdict: Verdict) -> list[Result]:
        """The results of all cases with this verdict."""
        return [result for result in self.results if result.verdict is verdict]

    def result(self, name: str) -> Result:
        """The result of the case with this name. Raises KeyError."""
        return {result.case.name: result for result in self.results}[name]

    @property
    def verified_headers(self) -> str:
        """The signature that the receiver verifies, as far as messages with a single signature show it."""
        observations = Observations(self.results)
        if not observations.are_accepted("good") or observations.verifies_nothing:
            return ""
        first, second = observations.are_accepted("sha1-alone"), observations.are_accepted("sha256-alone")
        return {
            (True, True): "either signature is enough for it",
            (True, False): "it verifies X-Hub-Signature (SHA-1)",
            (False, True): "it verifies X-Hub-Signature-256 (SHA-256)",
            (False, False): "it wants both signatures",
        }[first, second]


GAVE_UP = "it had stopped answering"
"""The reason to send no more cases to a silent receiver."""


def grade_of(results: Sequence[Result]) -> Grade:
    """The grade of a group, or of all results."""
    if any(result.verdict is Verdict.FAILED or result.remark == GAVE_UP for result in results):
        return Grade.F
    judged = [result for result in results if result.verdict in {Verdict.PASSED, Verdict.REMARK}]
    remarks = sum(result.verdict is Verdict.REMARK for result in judged)
    if remarks == 0:
        return Grade.A
    return Grade.B if remarks * 3 <= len(judged) else Grade.C
