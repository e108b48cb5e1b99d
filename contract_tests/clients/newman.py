"""Postman's own runner, newman: installed once by npm into the folder of the SDK environments, and run on a collection.

Run as a program to install it beforehand.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from contract_tests.clients.environments import REPOSITORY, EnvironmentNotBuilt, cache_folder, lock

VERSION = "6.2.2"
COLLECTION = REPOSITORY / "docs" / "postman_collection.json"


def newman() -> Path:
    """The program, which is installed now if it is not there. Raises EnvironmentNotBuilt: nothing is skipped."""
    folder = cache_folder() / f"newman-{VERSION}"
    with lock(folder.with_name(f"{folder.name}.lock")):
        if not folder.exists():
            install(folder)
    return folder / "node_modules" / ".bin" / "newman"


def install(folder: Path) -> None:
    """Made beside its place and renamed into it, so that a killed install leaves nothing half-made."""
    npm = shutil.which("npm")
    if npm is None:
        raise EnvironmentNotBuilt(
            "npm is not installed, which runs docs/postman_collection.json: run .ci/debian-packages"
        )
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(unfinished), f"newman@{VERSION}"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise EnvironmentNotBuilt(f"newman {VERSION} could not be installed: {' '.join(command)}\n{finished.stderr}")
    unfinished.rename(folder)


def run(**variables: str) -> subprocess.CompletedProcess[str]:
    """The collection with these variables, as `newman run docs/postman_collection.json --env-var …` does it."""
    options = [word for name, value in variables.items() for word in ("--env-var", f"{name}={value}")]
    command = [str(newman()), "run", str(COLLECTION), *options]
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=100)


if __name__ == "__main__":
    try:
        print(newman())
    except EnvironmentNotBuilt as failure:
        sys.exit(str(failure))
