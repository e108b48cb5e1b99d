"""Which parts of a state folder only its own user may read: API keys and webhook secrets stand in them in clear."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

from mockserver.errors import StartupError

LOG = logging.getLogger(__name__)

SECRET_PARTS = ("workspaces",)
"""Folders in a state folder. What else is in it holds no secrets, or is not ours."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def keep_private(state: Path) -> None:
    """Make the state folder and its secret parts with mode 0700, and take those rights from others that exist already.

    A folder that somebody else made keeps its own mode: it may hold more than ours. Raises StartupError.
    """
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in (state / name for name in SECRET_PARTS):
            part.mkdir(mode=0o700, exist_ok=True)
            _close_to_others(part)
    except OSError as error:
        raise StartupError(f"--state {state}: {error.strerror}; give a folder that can be written") from None


def _close_to_others(folder: Path) -> None:
    mode = stat.S_IMODE(folder.stat().st_mode)
    if not mode & OTHERS:
        return
    try:
        folder.chmod(mode & ~OTHERS)
    except PermissionError:
        LOG.warning(
            "other users of this machine may read the API keys and webhook secrets in %s, and its mode cannot be "
            "changed by this user; `chmod 700` it as its owner",
            folder,
        )
