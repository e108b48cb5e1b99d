"""The contract for clients: cases that any client can be tried with, judges, reports, and a name for each mistake."""

from __future__ import annotations

from mockserver.contract.encoding import as_json
from mockserver.contract.html import as_html
from mockserver.contract.junit import as_junit
from mockserver.contract.results import Report, Result, Verdict
from mockserver.contract.runner import CASES, Runner, choose_cases
from mockserver.contract.summary import as_summary
from mockserver.contract.text import as_text

__all__ = [
    "CASES", "Report", "Result", "Runner", "Verdict", "as_html", "as_json", "as_junit", "as_summary", "as_text",
    "choose_cases",
]  # fmt: skip
