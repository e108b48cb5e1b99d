"""docs/ci.md and docs/older-pythons.md: the commands of each recipe, executed in their order."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract_tests.clients.environments import NEWEST
from contract_tests.rules.installed import active, environment, older_pythons, requirements_in
from contract_tests.rules.pages import PRINTED_URL, files_of, shell_lines_of
from contract_tests.serving import ServedWorld
from contract_tests.waiting import eventually

OLD_SDK = ("labelbox==3.40.1", "setuptools<81")
RECIPES = files_of("ci.md")
WITH_A_SERVICE = ("http://localhost:8000", "http://labelbox-mock:8000")
"""Where the jobs that pull an image find its server."""


TOKEN = "for-these-tests"
"""The control token that the pages give to their containers."""


@dataclass(frozen=True)
class Outcome:
    status: int
    output: str


def commands_of(recipe: str) -> list[str]:
    """The texts after `run:`, and the items below `script:`."""
    after_run = re.findall(r"^ +- run: (.*)$", recipe, re.MULTILINE)
    scripts = re.findall(r"^( +)script:\n((?:\1  - .*\n)+)", recipe, re.MULTILINE)
    return after_run + [line.strip().removeprefix("- ") for _, lines in scripts for line in lines.splitlines()]


def programs(commands: list[str]) -> Path:
    """The environment that the recipe's first command makes: this checkout beside the newest SDK that we know."""
    requirements = requirements_in(commands[0])
    return environment("first-hour", *(f"labelbox=={NEWEST}" if name == "labelbox" else name for name in requirements))


def execute(command: str, folder: Path, bin_folder: Path, **settings: str) -> Outcome:
    """Runs commands as both services do: by bash, which stops at the first failure. A file takes the output, as a
    server that goes on in the background would hold a pipe open."""
    written_lines = folder / "output.txt"
    with written_lines.open("w") as output:
        finished = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", command],
            cwd=folder,
            env=active(bin_folder, **settings),
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=100,
        )
    return Outcome(finished.returncode, written_lines.read_text())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def address_on_the_network() -> str:
    """An address of this machine that is not loopback, if it has one: nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


@pytest.fixture(scope="module")
def container() -> Iterator[str]:
    """The URL of what the image serves, asked over the network as a container is."""
    with ServedWorld("--host", "0.0.0.0", "--control-token", TOKEN) as world:
        yield f"http://{address_on_the_network()}:{world.ready['url'].rpartition(':')[2]}"


# CI


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_laid_out_so_that_its_commands_can_be_taken_out(name: str) -> None:
    """A command in another form would be one that nothing executes."""
    recipe = RECIPES[name]
    assert "\t" not in recipe
    assert commands_of(recipe)
    assert [line for line in re.findall(r"run:(.*)", recipe) if not re.match(r" [^|>\"'\[{&*!%@`]", line)] == []
    assert [command for command in commands_of(recipe) if ": " in command or " #" in command] == []
    assert not re.search(r"(before|after)_script:", recipe)


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.xdist_group(f"first-hour-{NEWEST}")
def test_a_recipe_is_green(name: str, container: str, tmp_path: Path) -> None:
    (tmp_path / "test_export.py").write_text(files_of("first-hour.md")["test_export.py"])
    commands = commands_of(RECIPES[name])
    place = programs(commands)
    port = str(free_port())
    for command in commands[1:]:
        line = command.replace("8000", port) if not any(url in command for url in WITH_A_SERVICE) else command
        for url in WITH_A_SERVICE:
            line = line.replace(url, container)
        # A server in the background must not outlive a recipe that fails.
        outcome = execute(line, tmp_path, place, LABELBOX_MOCKSERVER_EXIT_WITH=str(os.getpid()))
        assert outcome.status == 0, f"{command}\n{outcome.output}"
        if "pytest" in command:
            assert "1 passed" in outcome.output
        if "graphql" in command:
            assert {"name": "image"} in json.loads(outcome.output)["data"]["projects"]
    if any("--ready-file" in command for command in commands):
        assert is_gone(tmp_path / "ready.json", within=60)


def test_a_container_is_given_the_token_that_its_tests_send() -> None:
    for recipe in RECIPES.values():
        settings = re.findall(r"LABELBOX_MOCKSERVER_CONTROL_TOKEN: (\S+)", recipe)
        assert settings == re.findall(r"--labelbox-control-token (\S+)", recipe)
        assert set(settings) <= {TOKEN}
    lines = " ".join(shell_lines_of("older-pythons.md"))
    assert f"-e LABELBOX_MOCKSERVER_CONTROL_TOKEN={TOKEN}" in lines
    assert f"LABELBOX_MOCK_TOKEN={TOKEN}" in lines


@pytest.mark.xdist_group(f"first-hour-{NEWEST}")
def test_a_recipe_fails_when_its_server_is_not_there(tmp_path: Path) -> None:
    """The waiting does not let the tests begin, nor does it wait for ever."""
    [wait] = [command for command in commands_of(RECIPES[".github/workflows/program.yml"]) if "until" in command]
    (tmp_path / "mockserver.log").write_text("mockserver: the port is taken\n")
    outcome = execute(wait.replace("timeout 60", "timeout 0.3"), tmp_path, Path(sys.executable).parent)
    assert (outcome.status, outcome.output) == (1, "mockserver: the port is taken\n")


def test_the_only_other_commands_build_and_push_an_image() -> None:
    assert {line.split()[0] for line in shell_lines_of("ci.md")} == {"docker"}


def is_gone(path: Path, within: float) -> bool:
    """A server removes its ready file at its end."""
    return eventually(lambda: not path.exists(), within=within)


# Older Pythons


@pytest.fixture(scope="module")
def old_python(record_testsuite_property: Callable[[str, object], None]) -> str:
    """The oldest interpreter of this machine on which the server cannot run; without one, this one."""
    chosen = [*older_pythons(), sys.executable][0]
    record_testsuite_property("older-pythons.md was followed on", chosen)
    return chosen


@pytest.fixture
def followed(old_python: str, tmp_path: Path) -> Path:
    """A folder as the page has it, and the programs of the tests' own environment."""
    for name, text in files_of("older-pythons.md").items():
        (tmp_path / name).write_text(text)
    [line] = [line for line in shell_lines_of("older-pythons.md") if "pip install" in line]
    (tmp_path / "mockserver-env").symlink_to(environment("first-hour", *requirements_in(line)).parent)
    return environment("older-pythons", *OLD_SDK, "pytest", python=old_python)


@pytest.mark.xdist_group("older-pythons")
def test_an_old_python_starts_the_server_of_another_environment(followed: Path, tmp_path: Path) -> None:
    """The server is not installed beside the tests, and leaves nothing after them."""
    assert not list(followed.parent.glob("lib/*/site-packages/mockserver*"))
    outcome = execute("pytest -v -rA --basetemp kept", tmp_path, followed)
    assert outcome.status == 0, outcome.output
    assert "1 passed" in outcome.output
    assert is_gone(tmp_path / "kept", within=0) or not list((tmp_path / "kept").rglob("ready.json"))


@pytest.mark.xdist_group("older-pythons")
def test_an_old_python_uses_a_server_that_runs_already(followed: Path, container: str, tmp_path: Path) -> None:
    """Over the network, where a key is required."""
    (tmp_path / "mockserver-env").unlink()
    [line] = [line for line in shell_lines_of("older-pythons.md") if line.startswith("LABELBOX_MOCK_URL=")]
    outcome = execute(line.replace(PRINTED_URL, container), tmp_path, followed)
    assert outcome.status == 0, outcome.output
    assert "1 passed" in outcome.output


@pytest.mark.xdist_group("older-pythons")
def test_a_server_that_cannot_start_is_reported_in_its_own_words(followed: Path, tmp_path: Path) -> None:
    outcome = execute("pytest", tmp_path, followed, LABELBOX_MOCKSERVER_SCENARIO="nope")
    assert outcome.status == 1
    assert "--scenario is 'nope'" in outcome.output
    assert "the server did not start; it wrote why" in outcome.output


def test_the_conftest_needs_nothing_but_the_standard_library_and_pytest() -> None:
    imported = set(re.findall(r"^(?:import|from) ([a-z_]+)", files_of("older-pythons.md")["conftest.py"], re.MULTILINE))
    assert imported - {"pytest"} <= sys.stdlib_module_names


def test_every_line_of_the_page_is_known_to_these_tests() -> None:
    """A new line would be documentation that nothing runs."""
    first_words = [line.split()[0] for line in shell_lines_of("older-pythons.md")]
    known = ["python3.11", "mockserver-env/bin/pip", "docker", "docker", "pytest", f"LABELBOX_MOCK_URL={PRINTED_URL}"]
    assert first_words == known
    assert set(files_of("older-pythons.md")) == {"conftest.py", "test_export.py"}
