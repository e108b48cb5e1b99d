"""The programs that are compared, each installed by uv into its own environment, both with compiled bytecode."""

import functools
import subprocess
import sys
from pathlib import Path

from uv import find_uv_bin

REPOSITORY = Path(__file__).parents[1]
BENCH_CACHE = REPOSITORY / ".cache" / "bench"
MOTO = "moto[server]==5.2.5"


class EnvironmentNotBuilt(Exception):
    """An environment could not be built; the message has uv's output."""


@functools.cache
def install_mockserver() -> Path:
    """Installs this checkout as users do, once per run; returns its interpreter."""
    python = create_environment("mockserver")
    install_packages(python, "--reinstall-package", "labelbox-mockserver", str(REPOSITORY))
    return python


@functools.cache
def install_moto() -> Path:
    """Installs the nearest peer, a mock of a cloud service in Python; returns its interpreter."""
    python = create_environment("moto")
    install_packages(python, MOTO)
    return python


def create_environment(name: str) -> Path:
    """Creates `.cache/bench/{name}` if it does not exist; returns its interpreter."""
    folder = BENCH_CACHE / name
    if not (folder / "bin" / "python").exists():
        run_uv("venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder))
    return folder / "bin" / "python"


def install_packages(python: Path, *requirements: str) -> None:
    run_uv("pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *requirements)


def run_uv(*arguments: str) -> None:
    command = [find_uv_bin(), *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise EnvironmentNotBuilt(f"`uv {' '.join(arguments)}` failed.\n{finished.stderr}")
