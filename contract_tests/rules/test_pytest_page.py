"""The page about pytest is true: its tests pass, and its tables are complete."""

import inspect
import re
import subprocess
from pathlib import Path

import pytest

from contract_tests.clients.environments import NEWEST
from contract_tests.rules.installed import active, environment, requirements_in
from contract_tests.rules.pages import (
    REPOSITORY,
    bare,
    files_of,
    section,
    shell_lines_of,
    table,
)
from mockserver.entry_points.labelbox_mockserver import pytest_plugin, pytest_settings
from mockserver.testing import MockWorkspace


@pytest.fixture(scope="module")
def pytest_page() -> Path:
    """The programs of an environment in which that page can be followed."""
    extra = re.findall(r"`(pip install [^`]*)`", (REPOSITORY / "docs/pytest.md").read_text())
    installed = [requirement for line in extra for requirement in requirements_in(line)]
    assert "pytest-xdist" in installed
    return environment("pytest-page", "labelbox-mockserver[testing]", f"labelbox=={NEWEST}", *installed)


def follow(page: Path, folder: Path, files: dict[str, str], line: str) -> str:
    """With CI set, Hypothesis accepts that a busy machine draws its examples slowly."""
    for name, content in files.items():
        (folder / name).write_text(content)
    shell = active(page, CI="true")
    finished = subprocess.run(["sh", "-c", line], cwd=folder, env=shell, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.mark.xdist_group("pytest-page")
def test_every_test_of_the_pytest_page_passes_with_many_workers(pytest_page: Path, tmp_path: Path) -> None:
    """Its settings are those of another folder: they would change the worlds of the other tests."""
    files = {name: text for name, text in files_of("pytest.md").items() if name != "pyproject.toml"}
    [line] = [line for line in shell_lines_of("pytest.md") if " -n " in line]
    printed = follow(pytest_page, tmp_path, files, line)
    count = sum(len(re.findall(r"^def test_", text, re.MULTILINE)) for text in files.values())
    assert f"{count} passed" in printed


@pytest.mark.xdist_group("pytest-page")
def test_the_settings_of_the_pytest_page_are_taken(pytest_page: Path, tmp_path: Path) -> None:
    """Settings of the file hold, and those of the command line before them."""
    files = {"pyproject.toml": files_of("pytest.md")["pyproject.toml"]}
    [line] = [line for line in shell_lines_of("pytest.md") if "--labelbox-" in line]
    for name, command_line, expected in (("file", "pytest", False), ("line", line, True)):
        (tmp_path / name).mkdir()
        test = f"def test_it(labelbox_mock): assert bool(labelbox_mock.projects) is {expected}"
        follow(pytest_page, tmp_path / name, files | {"test_it.py": test}, command_line)


@pytest.mark.xdist_group("pytest-page")
def test_the_program_of_the_pytest_page_runs(pytest_page: Path, tmp_path: Path) -> None:
    printed = follow(pytest_page, tmp_path, files_of("pytest.md"), "python by_hand.py").splitlines()
    assert printed[0].endswith("/graphql mock-api-key")
    assert printed[-1] == "True"


def test_every_fixture_is_documented() -> None:
    documented = {bare(name) for name, *_ in table(section("docs/pytest.md", "Fixtures"))}
    assert documented == {name for name in vars(pytest_plugin) if name.startswith(("labelbox_", "certify_"))}


def test_every_word_of_a_mark_is_documented() -> None:
    documented = section("docs/pytest.md", "Marks")
    assert [word for word in pytest_settings.MARK_WORDS if f"`{word}`" not in documented] == []


def test_everything_that_a_workspace_has_is_documented() -> None:
    documented = {bare(name).partition("(")[0] for name, _ in table(section("docs/pytest.md", "What a workspace has"))}
    in_class = {name for name in vars(MockWorkspace) if not name.startswith("_")}
    in_object = set(re.findall(r"self\.([a-z]\w*) = ", inspect.getsource(MockWorkspace)))
    assert documented == in_class | in_object
