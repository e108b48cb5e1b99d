"""Certification of a user's webhook receiver: some sixty cases, a report, and a name for each likely mistake."""

from __future__ import annotations

from mockserver.certification.as_json import as_json
from mockserver.certification.html import as_html
from mockserver.certification.junit import as_junit
from mockserver.certification.report import Grade, Report
from mockserver.certification.runner import CASES, WITHIN, certify
from mockserver.certification.text import as_text

__all__ = ["CASES", "WITHIN", "Grade", "Report", "as_html", "as_json", "as_junit", "as_text", "certify"]
