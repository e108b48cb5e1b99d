"""Turns the answers to a case into a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from mockserver.certification.cases import Case, Expect, Level
from mockserver.certification.client import Answer

NOT_ACCEPTED = "a good message was not accepted"
NOT_REQUESTED = "not requested"
"""The reason to leave a case out when only others were requested."""


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    """A `must` was not met."""
    REMARK = "remark"
    """A `should` was not met, or a right answer was given in a wrong way."""
    NOTED = "noted"
    LEFT_OUT = "left out"


class Result(msgspec.Struct, frozen=True):
    """One case with its answers. `summary`: the answers in short. `remark`: why the verdict is not simply passed."""

    case: Case
    verdict: Verdict
    summary: str
    remark: str = ""
    answers: tuple[Answer, ...] = ()

    @property
    def accepted(self) -> bool:
        return bool(self.answers) and all(answer.accepted for answer in self.answers)

    @property
    def crashed(self) -> bool:
        return any(answer.crashed for answer in self.answers)

    @property
    def refused(self) -> bool:
        """Whether each answer is a clear refusal: 3xx or 4xx."""
        return bool(self.answers) and not self.crashed and not any(answer.accepted for answer in self.answers)

    @property
    def seconds(self) -> float:
        return max((answer.seconds for answer in self.answers), default=0.0)


def judge(case: Case, answers: Sequence[Answer], *, within: float) -> Result:
    """`within`: seconds after which an answer is late."""
    judged = tuple(answers[-1:] if case.last_only else answers)
    result = Result(case, Verdict.PASSED, summarise(judged), "", judged)
    verdict, remark = _RULES[case.expect](result)
    if verdict is Verdict.FAILED and case.level is Level.SHOULD:
        verdict = Verdict.REMARK
    if verdict is Verdict.PASSED and result.seconds > within:
        verdict, remark = Verdict.REMARK, f"took {result.seconds:.1f} s; a sender may have given up"
    return msgspec.structs.replace(result, verdict=verdict, remark=remark)


def build_left_out(case: Case, reason: str) -> Result:
    return Result(case, Verdict.LEFT_OUT, "not sent", reason)


def summarise(answers: Sequence[Answer]) -> str:
    """`200`, or `200 (19), 503 (1)`."""
    counts = Counter(answer.summary for answer in answers)
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{summary} ({count})" for summary, count in counts.most_common())


def _judge_accepted(result: Result) -> tuple[Verdict, str]:
    return (Verdict.PASSED, "") if result.accepted else (Verdict.FAILED, NOT_ACCEPTED)


def _judge_refused(result: Result) -> tuple[Verdict, str]:
    if any(answer.accepted for answer in result.answers):
        return Verdict.FAILED, "it was accepted"
    if result.crashed:
        return Verdict.REMARK, "refused like a crash; 401 or 403 would say what it is"
    if any(answer.status is not None and answer.status < 400 for answer in result.answers):
        return Verdict.REMARK, "redirected instead of refused"
    return Verdict.PASSED, ""


def _judge_ended(result: Result) -> tuple[Verdict, str]:
    if any(answer.waited for answer in result.answers):
        return Verdict.FAILED, "it waits for the rest, which will not follow"
    if any(answer.status is not None and answer.crashed for answer in result.answers):
        return Verdict.FAILED, "it crashed"
    return Verdict.PASSED, ""


def _judge_survived(result: Result) -> tuple[Verdict, str]:
    return (Verdict.FAILED, "it crashed") if result.crashed else (Verdict.PASSED, "")


def _judge_observed(_result: Result) -> tuple[Verdict, str]:
    return Verdict.NOTED, ""


_RULES = {
    Expect.ACCEPTED: _judge_accepted,
    Expect.REPEATED: _judge_accepted,
    Expect.REFUSED: _judge_refused,
    Expect.ENDED: _judge_ended,
    Expect.SURVIVED: _judge_survived,
    Expect.OBSERVED: _judge_observed,
}
