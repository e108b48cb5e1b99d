"""The contract, kept or not by each version of the SDK: run as a program it tries them all.

    python -m contract_tests.clients.contract_matrix [VERSION…] [CASE…]

It writes `contract_results.json`, from which a part of docs/compatibility.md is rendered; a sample of it is tried again
by test_contract.py.
"""

import json
import os
import sys
from collections.abc import Sequence

from contract_tests.clients.compatibility import write_page
from contract_tests.clients.contract_outcomes import NOT_OFFERED, RESULTS, Outcomes, load_results
from contract_tests.clients.environments import REPOSITORY, SDKS, python_of
from mockserver.contract import CASES, Report, Result, Runner, Verdict, choose_cases, driver
from mockserver.contract.process import ClientProcess, Command
from mockserver.testing import MockServer

SILENCE = 250
"""Seconds: on a busy machine an SDK is imported for more than a minute."""


def try_version(server: MockServer, version: str, cases: Sequence[str] = (), jobs: int = 3) -> Report:
    """Runs cases of the contract with one version of the SDK; without names, all of them."""
    words = (str(python_of(version)), str(driver.__file__), "contract_tests.clients.sdk_contract:create_client")
    command = Command(words, REPOSITORY, {**os.environ, "PYTHONPATH": str(REPOSITORY)})
    runner = Runner(server, lambda: ClientProcess(command, silence=SILENCE))
    return runner.run(choose_cases(names=cases), name=version, jobs=jobs)


def list_outcomes(report: Report) -> Outcomes:
    return {result.case.name: describe(result) for result in report.results}


def describe(result: Result) -> str:
    if result.verdict is Verdict.NOT_OFFERED:
        return f"{NOT_OFFERED}: {result.summary.removeprefix('NotImplementedError: ').removeprefix('NotOffered: ')}"
    return " ".join(dict.fromkeys(finding.mistake for finding in result.findings)) or "passed"


def main(words: Sequence[str]) -> None:
    """Tries these versions with these cases, or all of them, and writes the results after each version."""
    versions = [word for word in words if word in SDKS] or [*SDKS]
    cases = [word for word in words if word not in SDKS]
    with MockServer() as server:
        for version in versions:
            report = try_version(server, version, cases)
            results = load_results()
            results[version] = sort_outcomes((results.get(version, {}) if cases else {}) | list_outcomes(report))
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
            print(f"{version}: {len(report.results)} cases in {report.seconds:.0f} s; {', '.join(report.mistakes)}")
    write_page()


def sort_outcomes(outcomes: Outcomes) -> Outcomes:
    """The outcomes in the order of the cases, without cases that are not there any more."""
    return {case.name: outcomes[case.name] for case in CASES if case.name in outcomes}


if __name__ == "__main__":
    main(sys.argv[1:])
