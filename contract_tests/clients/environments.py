"""An environment for each SDK version, made once and kept; run as a program to make them all beforehand."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from uv import find_uv_bin

# Version of `labelbox` -> what else its environment needs to work today.
# `[data]` is what label_generator imports; up to 3.40 it needs the numpy of its day (numpy._typing._GenericAlias).
OF_2023 = ("labelbox[data]", "setuptools<81", "numpy==1.24.4", "opencv-python-headless<4.9", "shapely<2.1")
SDKS: dict[str, tuple[str, ...]] = {
    "3.24.1": (*OF_2023, "typeguard==2.13.3"),
    "3.30.1": (*OF_2023, "typeguard==2.13.3"),
    "3.36.1": (*OF_2023, "typeguard==2.13.3"),
    "3.37.0": ("setuptools<81",),
    "3.40.1": (*OF_2023, "typeguard==2.13.3"),  # setuptools: it still asks pkg_resources for versions
    "3.52.0": ("labelbox[data]", "setuptools<81"),
    "3.56.0": ("setuptools<81",),
    "3.67.0": ("setuptools<81",),
    "3.78.2": ("labelbox[data]", "packaging"),  # undeclared
    "4.0.0": ("labelbox[data]", "packaging"),
    "5.2.1": (),
    "6.0.0": (),
    "6.10.0": (),
    "7.17.0": (),
}

NEWEST = next(reversed(SDKS))
"""The version that tests of no version in particular use."""

REPOSITORY = Path(__file__).parents[2]
AT_ONCE = 4
# Found before any thread starts: it asks sysconfig, whose first answers on Python 3.11 are not safe to ask for in two.
UV = find_uv_bin()


class EnvironmentNotBuilt(Exception):
    """An SDK environment could not be made; the message carries what uv said."""


def python_of(version: str) -> Path:
    """The interpreter of that SDK's environment, which is made now if it is not there."""
    folder = cache_folder() / name_of(version)
    with lock(folder.with_name(f"{folder.name}.lock")):
        if not folder.exists():
            make(version, folder)
    return folder / "bin" / "python"


def cache_folder() -> Path:
    return Path(os.environ.get("MOCKSERVER_SDK_CACHE") or REPOSITORY / ".cache" / "sdks").absolute()


def name_of(version: str) -> str:
    """Other pins or another Python make another environment, so a kept one is never out of date."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    pins = hashlib.sha256(" ".join(SDKS[version]).encode()).hexdigest()[:8]
    return f"labelbox-{version}-python-{python}-{pins}"


def make(version: str, folder: Path) -> None:
    """Made beside its place and renamed into it, so that a killed build leaves nothing half-made."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    run_uv(version, "venv", "--quiet", "--python", sys.executable, str(unfinished))
    python = str(unfinished / "bin" / "python")
    run_uv(version, "pip", "install", "--quiet", "--python", python, f"labelbox=={version}", *SDKS[version])
    unfinished.rename(folder)


def run_uv(version: str, *arguments: str) -> None:
    command = [UV, *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise EnvironmentNotBuilt(
            f"No environment for labelbox {version}: `uv {' '.join(arguments)}` failed.\n{finished.stderr}"
        )


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """One maker at a time, over processes and threads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make_all() -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as makers:
        list(makers.map(python_of, SDKS))
    print(f"{len(SDKS)} SDK environments are ready in {cache_folder()} ({time.monotonic() - started:.1f} s)")


if __name__ == "__main__":
    try:
        make_all()
    except EnvironmentNotBuilt as failure:
        sys.exit(str(failure))
