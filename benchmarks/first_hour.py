"""The way in: from an empty folder to the first green test, as docs/first-hour.md has it.

Peer: the same environment with what users have anyway, the SDK and pytest.
"""

import os
import re
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import report
from benchmarks.environments import REPOSITORY, EnvironmentNotBuilt
from contract_tests.rules.pages import files_of, shell_lines_of

PAGE = "first-hour.md"
TEST = "test_export.py"
GOAL = 60
"""Seconds of this machine: for a network and a package index nobody else can answer."""
INSTALLS = ("pip", "uv")
MOST_OF_THE_HARNESS = 2


def measure(quick: bool) -> None:
    report.print_title("From an empty folder to the first green test")
    for tool in INSTALLS[-1:] if quick else INSTALLS:
        measure_way(tool)
    report.print_title("The harness alone, with --no-deps and pytest's own dependencies beside it")
    report.print_figure("distributions", count_harness(), "   ", goal=f"<= {MOST_OF_THE_HARNESS}")


def measure_way(tool: str) -> None:
    """Measures the steps of the page, with pip as it says or with uv."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        requirements = read_requirements()
        ours = [str(REPOSITORY) + extra if extra is not None else name for name, extra in requirements]
        peers = ["pytest", *(name for name, extra in requirements if extra is None)]
        started, processor = time.perf_counter(), read_processor_time()
        python = create(Path(folder), tool, ours)
        installed = time.perf_counter() - started
        run_test(Path(folder), python)
        used, took = read_processor_time() - processor, time.perf_counter() - started
        before = time.perf_counter()
        create(Path(other), tool, peers)
        peer = {"the SDK and pytest alone": time.perf_counter() - before}
    report.print_figure(f"environment and installation by {tool}", installed, "s  ", peers=peer)
    report.print_figure("until the test is green", took, "s  ", goal=f"<= {GOAL}")
    report.print_figure("processor time of it", used, "s  ")


def read_requirements() -> list[tuple[str, str | None]]:
    """The names that the page installs first; the extras of this package, None for others."""
    line = next(line for line in shell_lines_of(PAGE) if line.startswith("pip install"))
    matches = [re.fullmatch(r"labelbox-mockserver(\[.*\])?", word) for word in shlex.split(line)[2:]]
    return [
        (word, None if match is None else match[1] or "")
        for word, match in zip(shlex.split(line)[2:], matches, strict=True)
    ]


def create(folder: Path, tool: str, requirements: list[str]) -> Path:
    """Creates an environment in a folder and installs into it; returns its interpreter."""
    python = folder / ".venv/bin/python"
    if tool == "pip":
        run(sys.executable, "-m", "venv", str(folder / ".venv"))
        run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements)
    else:
        run("uv", "venv", "--quiet", "--python", sys.executable, str(folder / ".venv"))
        run("uv", "pip", "install", "--quiet", "--python", str(python), *requirements)
    return python


def run_test(folder: Path, python: Path) -> None:
    (folder / TEST).write_text(files_of(PAGE)[TEST])
    run(str(python), "-m", "pytest", "-q", folder=folder)


def run(*command: str, folder: Path | None = None) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    settings = {**os.environ, "PATH": path}
    settings.pop("PYTHONDONTWRITEBYTECODE", None)
    ended = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise EnvironmentNotBuilt(f"`{shlex.join(command)}` failed.\n{ended.stdout}{ended.stderr}")


def read_processor_time() -> float:
    """Seconds that ended child processes have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def count_harness() -> int:
    """The distributions that the harness adds to an environment with pytest."""
    with tempfile.TemporaryDirectory() as folder:
        python = create(Path(folder), "uv", ["pytest"])
        before = count_distributions(python)
        run("uv", "pip", "install", "--quiet", "--no-deps", "--python", str(python), str(REPOSITORY))
        run(str(python), "-c", "import labelbox_mockserver.pytest_plugin, mockserver.testing.server")
        return count_distributions(python) - before


def count_distributions(python: Path) -> int:
    code = "import importlib.metadata as m; print(sum(1 for _ in m.distributions()))"
    return int(subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout)
