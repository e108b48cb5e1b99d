"""The contract as tests of pytest: a case is one test, so that IDEs, markers and xdist know it."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mockserver.contract import driver
from mockserver.contract.cases import Case
from mockserver.contract.mistakes import BY_NAME
from mockserver.contract.process import SILENCE, ClientProcess, Command
from mockserver.contract.results import Result, Verdict
from mockserver.contract.runner import Runner, choose_cases
from mockserver.testing.server import MockServer


class ContractWarning(UserWarning):
    """A recommended case was not met."""


class ContractCase(msgspec.Struct, frozen=True):
    """One case, for a test that is parametrized with `contract_cases`."""

    case: Case

    def check(
        self,
        server: MockServer,
        *,
        client: str | None = None,
        command: Sequence[str] = (),
        python: str | Path = sys.executable,
        silence: float = SILENCE,
        strict: bool = False,
    ) -> Result:
        """Tries the client in a process of its own. The test fails if the case does, and is skipped if the client does
        not offer it. A remark is a ContractWarning, or with `strict` a failure.

        `client`: a class, like "my_package.exports:Client"; modules are found as in this process. `command`: a program
        that speaks the protocol instead.
        """
        started = build_command(client, command, python)
        runner = Runner(server, lambda: ClientProcess(started, silence=silence))
        try:
            result = runner.run_case(self.case)
        finally:
            runner.close()
        text = describe(result)
        if result.fails or (strict and result.verdict is Verdict.REMARK):
            pytest.fail(text, pytrace=False)
        if result.verdict is Verdict.NOT_OFFERED:
            pytest.skip(f"not offered: {result.summary}")
        if result.verdict is Verdict.REMARK:
            warnings.warn(ContractWarning(text), stacklevel=2)
        return result


def contract_cases(*profiles: str, names: Sequence[str] = (), leave_out: Sequence[str] = ()) -> list[Any]:
    """The cases of these profiles, or with these names, for `pytest.mark.parametrize`; without both, all."""
    return [pytest.param(ContractCase(case), id=case.name) for case in choose_cases(profiles, names, leave_out)]


def build_command(client: str | None, command: Sequence[str], python: str | Path) -> Command:
    """How the client is started. Raises UsageError unless it is given in one of both ways."""
    if (client is None) == (not command):
        raise pytest.UsageError("give check() the client as client='module:Class', or as command=[…], and only one")
    environment = dict(os.environ)
    if client is None:
        return Command(tuple(command), Path.cwd(), environment)
    if str(python) == sys.executable:
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    return Command((str(python), str(driver.__file__), client), Path.cwd(), environment)


def describe(result: Result) -> str:
    """The findings of a case, each with its advice."""
    lines = [f"{result.case.name}: {result.case.title}. {result.case.why}"]
    for finding in result.findings:
        mistake = BY_NAME[finding.mistake]
        lines += [f"{mistake.title} [{mistake.name}]: {finding.detail}", f"   do: {mistake.advice}"]
    return "\n".join(lines)
