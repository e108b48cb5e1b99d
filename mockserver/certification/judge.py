"""From answers to a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from mockserver.certification.cases import Case, Expect, Level
from mockserver.certification.wire import Answer


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    """A `must` was not met."""
    REMARK = "remark"
    """A `should` was not met, or a right answer was given in a wrong way."""
    NOTED = "noted"
    LEFT_OUT = "left out"


class Result(msgspec.Struct, frozen=True):
    """One case with its answers. `told` is what came, in short; `remark` why that is not simply right."""

    case: Case
    verdict: Verdict
    told: str
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
        """Clearly: 3xx or 4xx each time."""
        return bool(self.answers) and not self.crashed and not any(answer.accepted for answer in self.answers)

    @property
    def seconds(self) -> float:
        return max((answer.seconds for answer in self.answers), default=0.0)


def judge(case: Case, answers: Sequence[Answer], *, within: float) -> Result:
    """`within`: seconds after which an answer is late."""
    judged = tuple(answers[-1:] if case.last_only else answers)
    result = Result(case, Verdict.PASSED, in_short(judged), "", judged)
    verdict, remark = _RULES[case.expect](result)
    if verdict is Verdict.FAILED and case.level is Level.SHOULD:
        verdict = Verdict.REMARK
    if verdict is Verdict.PASSED and result.seconds > within:
        verdict, remark = Verdict.REMARK, f"took {result.seconds:.1f} s; a sender may have given up"
    return msgspec.structs.replace(result, verdict=verdict, remark=remark)


def left_out(case: Case, why: str) -> Result:
    return Result(case, Verdict.LEFT_OUT, "not sent", why)


def in_short(answers: Sequence[Answer]) -> str:
    """`200`, or `200 (19), 503 (1)`."""
    counted = Counter(answer.told for answer in answers)
    if len(counted) == 1:
        return next(iter(counted))
    return ", ".join(f"{told} ({count})" for told, count in counted.most_common())


def _accepted(result: Result) -> tuple[Verdict, str]:
    return (Verdict.PASSED, "") if result.accepted else (Verdict.FAILED, "a good message was not accepted")


def _refused(result: Result) -> tuple[Verdict, str]:
    if any(answer.accepted for answer in result.answers):
        return Verdict.FAILED, "it was accepted"
    if result.crashed:
        return Verdict.REMARK, "refused like a crash; 401 or 403 would say what it is"
    if any(answer.status is not None and answer.status < 400 for answer in result.answers):
        return Verdict.REMARK, "redirected instead of refused"
    return Verdict.PASSED, ""


def _ended(result: Result) -> tuple[Verdict, str]:
    if any(answer.waited for answer in result.answers):
        return Verdict.FAILED, "it waits for what will not come"
    if any(answer.status is not None and answer.crashed for answer in result.answers):
        return Verdict.FAILED, "it crashed"
    return Verdict.PASSED, ""


def _survived(result: Result) -> tuple[Verdict, str]:
    return (Verdict.FAILED, "it crashed") if result.crashed else (Verdict.PASSED, "")


def _observed(_result: Result) -> tuple[Verdict, str]:
    return Verdict.NOTED, ""


_RULES = {
    Expect.ACCEPTED: _accepted,
    Expect.REPEATED: _accepted,
    Expect.REFUSED: _refused,
    Expect.ENDED: _ended,
    Expect.SURVIVED: _survived,
    Expect.OBSERVED: _observed,
}
