"""The contract for clients: cases that any client can be tried with, judges, reports, and a name for each mistake."""

from __future__ import annotations

from mockserver.contract.results import Report, Result, Verdict
from mockserver.contract.runner import CASES, Runner, choose_cases
from mockserver.contract.text import as_text

__all__ = ["CASES", "Report", "Result", "Runner", "Verdict", "as_text", "choose_cases"]
