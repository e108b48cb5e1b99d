"""Environments as the documentation has users make them: this checkout as a wheel, beside an SDK.

Kept beside the SDK environments under a name made of all that went in, so a kept one is never out of date.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from uv import find_uv_bin

from contract_tests.clients.environments import cache_folder, lock, run_uv
from contract_tests.rules.pages import REPOSITORY

PACKAGE = "labelbox-mockserver"
SOURCES = ("mockserver", "fixtures", "pyproject.toml")
"""What the wheel's behaviour depends on."""
KEPT_SECONDS = 3600
"""An environment of earlier sources is removed when no test has used it for so long."""


def environment(name: str, *requirements: str, python: str | Path = sys.executable) -> Path:
    """The `bin` folder of an environment with these requirements, made now if it is not there.

    The package itself is this checkout's, whatever its extras.
    """
    key = f"{name}-{short_hash(repr((str(python), sorted(requirements))).encode())}"
    ours = any(requirement.startswith(PACKAGE) for requirement in requirements)
    folder = cache_folder() / f"{key}-{short_hash(content_of_sources() if ours else b'')}"
    with lock(cache_folder() / f"{key}.lock"):
        earlier = sorted(cache_folder().glob(f"{key}-*[0-9a-f]"), key=lambda path: path.stat().st_mtime)
        if not folder.exists():
            make(name, folder, list(requirements), python, like=earlier[-1] if earlier else None)
        os.utime(folder)
        for other in earlier:
            if other != folder and time.time() - other.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(other)
    return folder / "bin"


def active(bin_folder: Path, **settings: str) -> dict[str, str]:
    """The variables of a shell in which an environment is active."""
    path = os.pathsep.join([str(bin_folder), os.environ["PATH"]])
    return {**os.environ, "PATH": path, **settings}


def short_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]


def content_of_sources() -> bytes:
    content = hashlib.sha256()
    for top in SOURCES:
        for path in sorted([REPOSITORY / top, *(REPOSITORY / top).rglob("*")]):
            if path.is_file() and path.suffix != ".pyc":
                content.update(str(path.relative_to(REPOSITORY)).encode() + b"\0" + path.read_bytes())
    return content.digest()


def make(name: str, folder: Path, requirements: list[str], python: str | Path, *, like: Path | None) -> None:
    """Made beside its place and renamed into it, so that a killed build leaves nothing half-made.

    One that differs only in our own sources is copied by links, with all that Python has compiled for it.
    """
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    if like is None:
        run_uv(name, "venv", "--quiet", "--relocatable", "--python", str(python), str(unfinished))
    else:
        shutil.copytree(like, unfinished, symlinks=True, copy_function=os.link)
    with tempfile.TemporaryDirectory() as built:
        if any(requirement.startswith(PACKAGE) for requirement in requirements):
            run_uv(name, "build", "--quiet", "--wheel", "--out-dir", built, str(REPOSITORY))
        exact = [with_wheel(requirement, Path(built)) for requirement in requirements]
        install = ("pip", "install", "--quiet", "--reinstall-package", PACKAGE)
        run_uv(name, *install, "--python", str(unfinished / "bin" / "python"), *exact)
    unfinished.rename(folder)


def with_wheel(requirement: str, built: Path) -> str:
    """`labelbox-mockserver[testing]` -> the same from the wheel in that folder."""
    if not requirement.startswith(PACKAGE):
        return requirement
    [wheel] = built.glob("*.whl")
    return f"{requirement} @ {wheel.as_uri()}"


def requirements_in(line: str) -> list[str]:
    """The requirements in a line like `.venv/bin/pip install 'labelbox==3.40.1' pytest`."""
    program, verb, *requirements = shlex.split(line)
    assert (Path(program).name, verb) == ("pip", "install"), f"{line!r} installs nothing"
    return requirements


def older_pythons() -> list[str]:
    """Interpreters of this machine on which the server cannot run, oldest first. Nothing is downloaded."""
    folders = [str(folder) for folder in pyenv_folder().glob("versions/*/bin")]
    path = os.pathsep.join([*folders, os.environ.get("PATH", "")])
    settings = {**os.environ, "PATH": path, "UV_PYTHON_DOWNLOADS": "never"}
    interpreters = []
    for version in ("3.7", "3.8", "3.9", "3.10"):
        command = [find_uv_bin(), "python", "find", "--no-project", version]
        answer = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            interpreters.append(answer.stdout.strip())
    return interpreters


def pyenv_folder() -> Path:
    """pyenv's programs on the PATH run only the version that is chosen; its folders hold them all."""
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
