"""The prefix of our names in the environment, and the folder of the cache. Imports the standard library alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

ENVIRONMENT_PREFIX = "LABELBOX_MOCKSERVER_"


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Returns the folder of prepared worlds: LABELBOX_MOCKSERVER_CACHE, or `mockserver` in the user's cache folder."""
    if folder := environment.get(f"{ENVIRONMENT_PREFIX}CACHE"):
        return Path(folder)
    root = environment.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(root).expanduser() / "mockserver"
    except RuntimeError:  # no home folder at all, as in some containers
        return Path.cwd() / ".mockserver-cache"
