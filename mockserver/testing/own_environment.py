"""An environment with the server alone, for tests whose own environment cannot have its dependencies.

It is made once for each version and interpreter, by `uv` if there is one, and kept in the cache. Only the standard
library is imported: the tests' environment may have this package without any of its dependencies.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mockserver import __version__
from mockserver.places import cache_folder
from mockserver.testing.errors import ServerDiedError

OWN = "own"
"""The value of `labelbox_server_python` for such an environment."""
DISTRIBUTION = "labelbox-mockserver"
MADE_WITHIN = 600
"""Seconds, on a slow network."""


def resolve_python(python: str) -> str:
    """The interpreter: of the server's own environment, made if need be, or the given one. Raises ServerDiedError."""
    return str(find_or_make()) if python == OWN else python


def find_or_make() -> Path:
    """The interpreter of the environment. Raises ServerDiedError with what the installer wrote."""
    requirement = find_requirement()
    name = f"{__version__}-{sys.implementation.cache_tag}-{abs(hash_text(requirement)):x}"
    folder = cache_folder() / "environments" / name
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f"{name}.", suffix=".part", dir=folder.parent))
        try:
            _make(unfinished, requirement)
            _rename(unfinished, folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return find_python(folder)


def hash_text(text: str) -> int:
    """A number of the text that is the same in every process."""
    return int.from_bytes(text.encode(), "big") % (2**61 - 1)


def find_python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def find_requirement() -> str:
    """The requirement to install: this version, from where this package was installed."""
    try:
        distribution = importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return f"{DISTRIBUTION}=={__version__}"
    source = json.loads(distribution.read_text("direct_url.json") or "{}").get("url")
    return f"{DISTRIBUTION}=={__version__}" if source is None else f"{DISTRIBUTION} @ {source}"


def _make(folder: Path, requirement: str) -> None:
    uv = shutil.which("uv")
    python = str(find_python(folder))
    if uv is not None:
        _run(uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder))
        _run(uv, "pip", "install", "--quiet", "--python", python, requirement)
    else:
        _run(sys.executable, "-m", "venv", str(folder))
        _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement)


def _run(*command: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    ended = subprocess.run(  # noqa: S603  a fixed command line
        command, env=environment, capture_output=True, text=True, timeout=MADE_WITHIN, check=False
    )
    if ended.returncode:
        raise ServerDiedError(
            f"The server's own environment could not be made: `{' '.join(command)}` ended with status "
            f"{ended.returncode}. It wrote:\n{ended.stdout}{ended.stderr}"
        )


def _rename(unfinished: Path, folder: Path) -> None:
    try:
        unfinished.rename(folder)
    except OSError:
        if not folder.exists():  # else another process was sooner, and made the same
            raise
