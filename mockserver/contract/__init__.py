"""The contract for clients: cases that any client can be tried with, judges, reports, and a name for each mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.contract.encoding import as_json
from mockserver.contract.html import as_html
from mockserver.contract.junit import as_junit
from mockserver.contract.results import Report, Result, Verdict
from mockserver.contract.runner import CASES, Runner, choose_cases
from mockserver.contract.summary import as_summary
from mockserver.contract.text import as_text

if TYPE_CHECKING:
    from mockserver.contract.pytest_cases import ContractCase, ContractWarning, contract_cases

__all__ = [
    "CASES", "ContractCase", "ContractWarning", "Report", "Result", "Runner", "Verdict", "as_html", "as_json",
    "as_junit", "as_summary", "as_text", "choose_cases", "contract_cases",
]  # fmt: skip

_OF_PYTEST = ("ContractCase", "ContractWarning", "contract_cases")


def __getattr__(name: str) -> Any:
    """Imports the names that need pytest when they are used: the command works without it."""
    if name not in _OF_PYTEST:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mockserver.contract import pytest_cases

    return getattr(pytest_cases, name)
