"""Two things that are known of a client: cases that may fail, and an earlier result that must not get worse."""

from __future__ import annotations

from pathlib import Path

import msgspec

from mockserver.contract.results import Report, Result, Verdict
from mockserver.contract.runner import check_case_names
from mockserver.conversion import decode
from mockserver.errors import StartupError

RANKS = {
    Verdict.FAILED: 0,
    Verdict.NOT_OFFERED: 0,
    Verdict.UNEXPECTED: 0,
    Verdict.KNOWN: 0,
    Verdict.REMARK: 1,
    Verdict.NOTED: 2,
    Verdict.PASSED: 2,
}
"""A verdict that is worse has a smaller number."""


class EarlierResult(msgspec.Struct, frozen=True):
    """The part of an earlier `result.json` that is compared."""

    case: str
    verdict: Verdict


class Baseline(msgspec.Struct, frozen=True):
    """An earlier `result.json`."""

    results: list[EarlierResult]


def load_known_failing(path: Path) -> list[str]:
    """Names of cases, one a line; `#` begins a comment. Raises StartupError."""
    lines = [
        line.partition("#")[0].strip()
        for line in _read(path, "--known-failing").decode("utf-8", "replace").splitlines()
    ]
    names = [line for line in lines if line]
    check_case_names(names)
    return names


def apply_known_failing(report: Report, names: list[str]) -> Report:
    """A known case may fail; one that passes is an error, so that the list stays true."""

    def apply(result: Result) -> Result:
        if result.case.name not in names or result.verdict is Verdict.NOT_OFFERED:
            return result
        if result.verdict in {Verdict.FAILED, Verdict.REMARK}:
            return msgspec.structs.replace(result, verdict=Verdict.KNOWN)
        summary = "it passes, and is listed as known to fail: remove it from the list"
        return msgspec.structs.replace(result, verdict=Verdict.UNEXPECTED, summary=summary)

    return msgspec.structs.replace(report, results=[apply(result) for result in report.results])


def load_baseline(path: Path) -> Baseline:
    """Raises StartupError."""
    try:
        return decode(_read(path, "--baseline"), Baseline)
    except msgspec.MsgspecError as error:
        raise StartupError(
            f"--baseline {path} is no result of this command ({error}); expected a file that --json has written"
        ) from None


def find_regressions(report: Report, baseline: Baseline) -> list[str]:
    """The names of cases that are worse than in the baseline; of one that it lacks, whether it failed."""
    earlier = {result.case: RANKS[result.verdict] for result in baseline.results}
    return [
        result.case.name
        for result in report.results
        if RANKS[result.verdict] < earlier.get(result.case.name, 2 * (result.verdict is Verdict.FAILED))
    ]


def find_mended(report: Report, baseline: Baseline) -> list[str]:
    """The names of cases that are better than in the baseline."""
    earlier = {result.case: RANKS[result.verdict] for result in baseline.results}
    return [
        result.case.name
        for result in report.results
        if result.case.name in earlier and RANKS[result.verdict] > earlier[result.case.name]
    ]


def _read(path: Path, flag: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StartupError(f"{flag} {path} cannot be read: {error.strerror}") from None
