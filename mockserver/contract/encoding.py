"""The report as JSON, which programs read and later runs are compared with."""

from __future__ import annotations

from typing import Any

import msgspec

from mockserver import __version__
from mockserver.contract.mistakes import BY_NAME, Finding
from mockserver.contract.results import Report, Result, Verdict

FORMAT = 1


def as_json(report: Report) -> bytes:
    """Renders `result.json`, by the schema `fixtures/contract/result.schema.json`."""
    document = {
        "format": FORMAT,
        "mockserver": __version__,
        "client": report.client,
        "kept": report.passed,
        "seconds": round(report.seconds, 3),
        "counts": {str(verdict): len(report.results_with(verdict)) for verdict in Verdict},
        "mistakes": report.mistakes,
        "results": [_encode_result(result) for result in report.results],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _encode_result(result: Result) -> dict[str, Any]:
    case = result.case
    return {
        "case": case.name,
        "profile": str(case.profile),
        "level": str(case.level),
        "title": case.title,
        "verdict": str(result.verdict),
        "summary": result.summary,
        "seconds": round(result.seconds, 3),
        "findings": [_encode_finding(finding) for finding in result.findings],
        "notes": list(result.notes),
        "requests": len(result.requests),
    }


def _encode_finding(finding: Finding) -> dict[str, str]:
    mistake = BY_NAME[finding.mistake]
    return {
        "mistake": finding.mistake,
        "level": str(finding.level),
        "title": mistake.title,
        "detail": finding.detail,
        "advice": mistake.advice,
    }
