"""Certification of a person's webhook receiver: some sixty cases, a report, and a name for what is likely wrong."""

from __future__ import annotations

from mockserver.certification.junit import as_junit
from mockserver.certification.people import as_text
from mockserver.certification.report import Grade, Report
from mockserver.certification.runner import CASES, WITHIN, certify

__all__ = ["CASES", "WITHIN", "Grade", "Report", "as_junit", "as_text", "certify"]
