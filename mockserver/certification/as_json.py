"""The report as JSON, for programs."""

from __future__ import annotations

from typing import Any

import msgspec

from mockserver.certification.judge import Result
from mockserver.certification.report import Report


def as_json(report: Report, *, strict: bool = False) -> bytes:
    """Renders the outcome, every case with its answers, and the likely mistakes. If `strict`, remarks are failures."""
    content = {
        "url": report.url,
        "topic": report.topic,
        "certified": report.flawless if strict else report.passed,
        "grade": report.grade,
        "seconds": round(report.seconds, 3),
        "verifies": report.verified_headers or None,
        "cases": [_describe(result) for result in report.results],
        "diagnoses": [msgspec.structs.asdict(diagnosis) for diagnosis in report.diagnoses],
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def _describe(result: Result) -> dict[str, Any]:
    case = result.case
    return {
        "case": case.name,
        "group": case.group,
        "level": case.level,
        "title": case.title,
        "verdict": result.verdict,
        "remark": result.remark or None,
        "advice": case.advice,
        "answers": [
            {"status": answer.status, "seconds": round(answer.seconds, 3), "trouble": answer.trouble or None}
            for answer in result.answers
        ],
    }
