"""A program that is a fork of a fork server is a process as any other one, for itself and for those who start it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contract_tests.forking import (
    COMMAND,
    PYTHON_M,
    READ_BY_INTERPRETERS,
    SERVING,
    ForkedProgram,
    list_modules_of_other_verbs,
    run_forked,
)
from contract_tests.rules import process_facts
from contract_tests.rules.pages import REPOSITORY
from contract_tests.waiting import wait_for
from mockserver import __version__
from mockserver.processes import process_exists

FACTS = [*PYTHON_M, process_facts.__name__]
REAL: type[subprocess.Popen[str]] = subprocess.Popen
FORKED: type[subprocess.Popen[str]] = ForkedProgram
OWN_RUN = """
import pathlib, subprocess, sys
from contract_tests.forking import PYTHON_M, ForkedProgram
from contract_tests.rules.commands.starting import ready, serve_in
folder = pathlib.Path(sys.argv[1])
facts = [*PYTHON_M, "contract_tests.rules.process_facts", "wait"]
process = ForkedProgram(facts, stdout=(folder / "facts.json").open("w"))
with serve_in(folder, "--scenario", "empty", popen=subprocess.Popen) as server:
    ready(server, folder)
    print(process.pid, server.pid, flush=True)
    sys.stdin.read()
"""
"""A test process with a fork that waits, and a server that is none."""


def get_facts(popen: type[subprocess.Popen[str]], *arguments: str, **options: Any) -> Any:
    pipe = subprocess.PIPE
    with popen([*FACTS, *arguments], stdout=pipe, stderr=pipe, text=True, **options) as process:
        output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    return json.loads(output)


ENVIRONMENTS = {
    "as the tests": {},
    "of its own": {"MINE": "größe\udcff", "TZ": "Asia/Tokyo", "COLUMNS": "40"},
    "of another interpreter": {"PYTHONWARNINGS": "error", "PYTHONUNBUFFERED": "1", "PYTHONPATH": f"{REPOSITORY}:/no"},
    "in another language": {"LC_ALL": "C", "PYTHONUTF8": "0"},
}


@pytest.mark.parametrize("more", ENVIRONMENTS.values(), ids=list(ENVIRONMENTS))
def test_its_process_is_as_that_of_an_interpreter(more: dict[str, str], tmp_path: Path) -> None:
    options = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": str(REPOSITORY)} | more}
    real, fork = (get_facts(popen, "one", "zwei", **options) for popen in (REAL, FORKED))
    assert fork["facts"] == real["facts"]


@pytest.mark.parametrize("stream", [subprocess.DEVNULL, subprocess.PIPE, None], ids=["null", "pipe", "inherited"])
def test_its_input_is_what_its_caller_gives(stream: int | None) -> None:
    real, fork = (get_facts(popen, stdin=stream, env=dict(os.environ)) for popen in (REAL, FORKED))
    assert fork["facts"] == real["facts"]


def test_its_output_and_errors_may_be_one_file(tmp_path: Path) -> None:
    """A program writes to a file when its buffer is full or at its end, and so after the traceback."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    for popen in (REAL, FORKED):
        with (tmp_path / "both").open("w") as file:
            assert popen([*FACTS, "fail"], stdout=file, stderr=subprocess.STDOUT, env=environment).wait(120) == 1
        first, *_, last, printed = (tmp_path / "both").read_text().splitlines()
        assert (first, last) == ("Traceback (most recent call last):", "ValueError: a failure")
        assert json.loads(printed)["facts"]["arguments"][1:] == ["fail"]


def test_no_two_draw_the_same_random_numbers() -> None:
    """But they share the hash seed, and so tests of what the order of sets could change start interpreters."""
    first, second = get_facts(FORKED), get_facts(FORKED)
    assert first["drawn"] != second["drawn"]
    assert first["hash"] == second["hash"]
    assert first["parent"] == second["parent"] != os.getpid()


def test_its_status_is_its_own() -> None:
    good, bad = run_forked("--version", timeout=120), run_forked("sevre", "größe\udcff", timeout=120)
    assert (good.returncode, good.stdout, good.stderr) == (0, f"mockserver, version {__version__}\n", "")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert "there is no verb 'sevre'" in bad.stderr


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSEGV])
def test_it_is_ended_by_a_signal_and_waited_for(number: signal.Signals) -> None:
    with FORKED([*FACTS, "wait"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(60) == -number
        assert not process_exists(process.pid)


def test_a_wait_may_be_given_up() -> None:
    with FORKED([*FACTS, "wait"], stdout=subprocess.DEVNULL) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.kill()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    "option",
    ["start_new_session", "preexec_fn", "pass_fds", "process_group", "umask", "user", "encoding", "executable"],
)
def test_an_option_that_a_fork_does_not_have_is_refused(option: str) -> None:
    with pytest.raises(TypeError, match=option):
        ForkedProgram(COMMAND, **{option: 1})


def test_a_program_of_another_interpreter_is_refused() -> None:
    with pytest.raises(ValueError, match="start others by Popen"):
        ForkedProgram(["true"])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()", "1 threads"),
        ("file = open(__file__)", "files were opened"),
        ("import apsw; connection = apsw.Connection(':memory:')", "SQLite must not be used across a fork"),
        ("import random; generator = random.Random()", "the same numbers from 1 generators"),
        ("import asyncio; loop = asyncio.new_event_loop()", "files were opened"),
    ],
    ids=["thread", "file", "connection", "generator", "event loop"],
)
def test_a_module_that_does_more_than_define_is_not_forked(line: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(line)
    command = [*PYTHON_M, "contract_tests.fork_server", "busy"]
    environment = os.environ | {"PYTHONPATH": f"{REPOSITORY}:{tmp_path}"}
    ended = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert reason in ended.stderr.splitlines()[-1]


READ = """
import importlib, os, sys
class Recorder(dict):
    def get(self, name, default=None):
        names.add(name)
        return super().get(name, default)
    def __getitem__(self, name):
        names.add(name)
        return super().__getitem__(name)
    def __contains__(self, name):
        names.add(name)
        return super().__contains__(name)
names = set()
os.environ = Recorder(os.environ)
for module in sys.argv[1:]:
    importlib.import_module(module)
print(*names)
"""
READ_FOR_SITE = {"HOME"}
"""Variables by which the standard library finds the folder of a user's packages."""


@pytest.mark.parametrize("modules", [SERVING, list_modules_of_other_verbs()], ids=["serve", "other verbs"])
def test_no_variable_is_read_before_a_fork_has_its_own(modules: tuple[str, ...]) -> None:
    """No module decides at its import by a variable that the fork server has and the fork has not."""
    printed = subprocess.run(
        [sys.executable, "-c", READ, *modules], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    read = {name for name in printed.split() if not name.startswith((*READ_BY_INTERPRETERS, "_PYTHON"))}
    assert read <= READ_FOR_SITE


@pytest.mark.parametrize("end", ["its end", "a kill"])
def test_nothing_is_left_of_a_test_process(end: str, tmp_path: Path) -> None:
    """Neither the fork server, nor a fork that still runs, nor a server that an interpreter runs."""
    file = tmp_path / "facts.json"
    with subprocess.Popen(
        [sys.executable, "-c", OWN_RUN, str(tmp_path)],
        cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as run:  # fmt: skip
        assert run.stdout is not None
        pids = [int(pid) for pid in run.stdout.readline().split()]
        wait_for(lambda: file.read_text().endswith("\n"))
        pids.append(json.loads(file.read_text())["parent"])
        if end == "a kill":
            run.kill()
        run.communicate(timeout=60)
    assert len(pids) == 3
    wait_for(lambda: not any(process_exists(pid) for pid in pids))
