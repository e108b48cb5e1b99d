"""The verbs that control a running server: one for every call under `/_mock/`."""

from __future__ import annotations

from mockserver.commands.control.build import build_commands

__all__ = ["build_commands"]
