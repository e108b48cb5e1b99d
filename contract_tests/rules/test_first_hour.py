"""docs/first-hour.md, done as it says: the files it has one write, the lines it has one type, what one sees then."""

import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from xml.etree import ElementTree

import pytest

from contract_tests.clients.environments import NEWEST
from contract_tests.rules.installed import active, environment, requirements_in
from contract_tests.rules.pages import (
    PRINTED_URL,
    as_pattern,
    blocks_in,
    files_of,
    section,
    sections,
    shell_lines_of,
)
from contract_tests.serving import ServedWorld

PAGE = "first-hour.md"
SDKS = {NEWEST: "test_export.py", "3.40.1": "test_export_v2.py"}
"""Version -> the test file that the page has people with such an SDK write."""

EACH_SDK = pytest.mark.parametrize(
    "version", [pytest.param(version, marks=pytest.mark.xdist_group(f"first-hour-{version}")) for version in SDKS]
)


def whatifs() -> dict[str, str]:
    return sections(section(f"docs/{PAGE}", "What if"), 3)


def wrong_lines() -> dict[str, tuple[str, str]]:
    """Title -> (the wrong line, the message)."""
    pairs = {}
    for title, text in whatifs().items():
        match = {block.language: block.text.strip() for block in blocks_in(text, PAGE)}
        if "python" in match:
            pairs[title] = (match["python"], match["text"])
    return pairs


def with_line(program: str, line: str) -> str:
    """The test with this line in the place of the one that sets the same."""
    name = re.match(r"\w+ ?=", line)
    assert name is not None, line
    changed, count = re.subn(rf"^( *){name[0]}.*$", lambda match: match[1] + line, program, flags=re.MULTILINE)
    assert count == 1, f"{line} has no place in the test"
    return changed


def install_line(version: str) -> str:
    lines = [line for line in shell_lines_of(PAGE) if line.startswith("pip install")]
    [line] = [line for line in lines if f"=={version}" in line] or [line for line in lines if "==" not in line]
    return line


def programs(version: str) -> Path:
    """`labelbox` on the page is the newest version that the tests know."""
    requirements = requirements_in(install_line(version))
    return environment("first-hour", *(f"labelbox=={version}" if name == "labelbox" else name for name in requirements))


def type_lines(line: str, version: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs lines as in a shell in which the page's environment is active."""
    shell = active(programs(version))
    return subprocess.run(["sh", "-c", line], cwd=folder, env=shell, capture_output=True, text=True, check=False)


@EACH_SDK
def test_the_first_test_is_green(version: str, tmp_path: Path) -> None:
    name = SDKS[version]
    (tmp_path / name).write_text(files_of(PAGE)[name])
    [line] = [line for line in shell_lines_of(PAGE) if line.startswith("pytest")]
    finished = type_lines(line, version, tmp_path)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    [output] = [block.text for block in blocks_in(section(f"docs/{PAGE}", "Run it"), PAGE) if block.language == "text"]
    assert output.strip() in finished.stdout


@EACH_SDK
def test_what_goes_wrong_is_reported_as_documented(version: str, tmp_path: Path) -> None:
    """All in one session, as the SDK takes seconds to import."""
    right = files_of(PAGE)[SDKS[version]]
    cases = wrong_lines()
    assert len(cases) >= 7
    for number, (line, _) in enumerate(cases.values()):
        (tmp_path / f"test_{number}.py").write_text(with_line(right, line))
    type_lines("pytest -q --junit-xml told.xml", version, tmp_path)
    real = {
        str(case.get("classname")): (case.findtext("failure") or "it passed")
        for case in ElementTree.parse(tmp_path / "told.xml").iter("testcase")
    }
    wrong = {
        title: real[f"test_{number}"]
        for number, (title, (_, message)) in enumerate(cases.items())
        if not any(fnmatchcase(line, f"*{as_pattern(message)}*") for line in real[f"test_{number}"].splitlines())
    }
    assert wrong == {}


def test_every_what_if_says_what_to_type() -> None:
    assert [title for title, text in whatifs().items() if "Type `" not in " ".join(text.split())] == []


def test_both_tests_differ_only_in_the_export() -> None:
    """A comparison of the two shows what the SDK changed."""
    new, old = (set(files_of(PAGE)[name].splitlines()) for name in SDKS.values())
    assert len(new - old) == len(old - new) == 3


def test_a_pytest_without_the_plugin_says_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(labelbox_mock): ...")
    command = [sys.executable, "-m", "pytest", "-p", "no:labelbox_mockserver", str(tmp_path)]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    [message] = [block.text.strip() for block in blocks_in(whatifs()["pytest does not know the fixture"], PAGE)]
    assert message in finished.stdout


def test_the_list_of_keys_is_answered(server: ServedWorld) -> None:
    [line] = [line for line in shell_lines_of(PAGE) if line.startswith("curl")]
    line = line.replace(PRINTED_URL, server.url)
    finished = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert server.api_key in finished.stdout


def test_every_line_of_the_page_is_known_to_these_tests() -> None:
    """A new line would be documentation that nothing runs."""
    prepared = ("mkdir first-hour && cd first-hour", "python3 -m venv .venv", ". .venv/bin/activate")
    known = {*prepared, "pytest", *map(install_line, SDKS), f"curl -s {PRINTED_URL}/_mock/workspaces"}
    assert set(shell_lines_of(PAGE)) == known
    assert set(files_of(PAGE)) == set(SDKS.values())
