"""A folder with packages from npm, made once and kept beside the SDK environments."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from contract_tests.clients.environments import EnvironmentNotBuilt, cache_folder, lock

PACKAGES = ("@octokit/webhooks-methods@5.1.1", "express@5.1.0")


def modules() -> Path:
    """The folder that holds `node_modules`, made now if it is not there."""
    name = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:8]
    folder = cache_folder() / f"node-{name}"
    with lock(folder.with_name(f"{folder.name}.lock")):
        if not folder.exists():
            make(folder)
    return folder


def make(folder: Path) -> None:
    """Made beside its place and renamed into it, so that a killed build leaves nothing half-made."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(unfinished), *PACKAGES]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise EnvironmentNotBuilt(f"`{' '.join(command)}` failed.\n{finished.stderr}")
    unfinished.rename(folder)


def copy_to_modules(program: Path) -> Path:
    """Copies the program to where Node finds those packages: imports look upwards from the folder of the file."""
    copy = modules() / program.name
    copy.write_text(program.read_text())
    return copy
