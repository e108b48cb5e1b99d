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
    """An environment could not be made; the message carries what uv said."""


@functools.cache
def mockserver_python() -> Path:
    """This checkout as users install it, made anew for each run."""
    python = environment("mockserver")
    install(python, "--reinstall-package", "labelbox-mockserver", str(REPOSITORY))
    return python


@functools.cache
def moto_python() -> Path:
    """The peer that is nearest in kind: a mock of a cloud service, in Python."""
    python = environment("moto")
    install(python, MOTO)
    return python


def environment(name: str) -> Path:
    """The interpreter of `.cache/bench/{name}`."""
    folder = BENCH_CACHE / name
    if not (folder / "bin" / "python").exists():
        run_uv("venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder))
    return folder / "bin" / "python"


def install(python: Path, *what: str) -> None:
    run_uv("pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *what)


def run_uv(*arguments: str) -> None:
    command = [find_uv_bin(), *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise EnvironmentNotBuilt(f"`uv {' '.join(arguments)}` failed.\n{finished.stderr}")
