"""Decides whether one more workspace may exist: its API key, the number that is kept, and open files."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from mockserver.errors import AuthenticationFailed, BadInput, Conflict, StartupError
from mockserver.links import parse_api_key
from mockserver.serving.descriptors import has_room, limit
from mockserver.settings import KEY_PATTERN, LONGEST_KEY
from mockserver.workspaces.registry import Registry

if TYPE_CHECKING:
    from mockserver.workspaces.ownership import Owners

OPEN_FILES = 7
"""Open files of a workspace: three for its database, three for a second connection that reads beside a change, and one
to spare."""


class Admission:
    """Checks new workspaces. `count` returns how many exist, on all servers; at most `most` may.

    With `owners`, other servers have workspaces in the same storage. Those in a remote storage take no open files.
    """

    def __init__(
        self, registry: Registry, owners: Owners | None, count: Callable[[], int], *, most: int, is_remote: bool
    ) -> None:
        self._registry, self._owners, self._count = registry, owners, count
        self._most, self._is_remote = most, is_remote

    def check_free(self, api_key: str) -> None:
        """Raises BadInput for a key that a client created, Conflict if the key has a workspace, or if there is no room
        for one more; about those of other servers the database is asked later, in a thread."""
        if parse_api_key(api_key) is not None:
            raise BadInput(
                "The API key is one that createApiKey answered with, and opens the workspace that created it; choose a"
                " key of your own for another workspace"
            )
        if self._registry.find(api_key) is not None:
            raise _build_taken(api_key)
        if self._owners is None:
            self._check_room()

    def check_others(self, api_key: str) -> None:
        """Raises Conflict if the key has a workspace of another server, or if all servers have too many."""
        if self._owners is not None:
            if self._owners.exists(api_key):
                raise _build_taken(api_key)
            self._check_room()

    def _check_room(self) -> None:
        """Raises Conflict if there is no room for one more workspace."""
        if self._count() >= self._most:
            raise Conflict(
                f"There are {self._most} workspaces already, the most that are kept at a time; delete those that are no"
                " longer needed (DELETE /_mock/workspaces/{api_key}), or start the server with --sweep-after 1d, which"
                " deletes idle ones, or with a larger --workspaces-limit"
            )
        if not self._is_remote and not has_room(OPEN_FILES):
            raise Conflict(
                f"A workspace needs {OPEN_FILES} open files, and this process may have {limit()} in all, of which a"
                " quarter is kept for connections and exports; delete workspaces that are no longer needed, or start"
                " the server with a higher limit (ulimit -n)"
            )


def _build_taken(api_key: str) -> Conflict:
    return Conflict(f"There is a workspace with the API key {api_key!r} already; delete it or choose another key")


def check_new_key(key: str) -> None:
    """Raises AuthenticationFailed if a text cannot be an API key."""
    if len(key) > LONGEST_KEY or not re.match(KEY_PATTERN, key):
        raise AuthenticationFailed(
            f"The API key that was sent ({len(key)} characters) cannot name a workspace; expected at most"
            f" {LONGEST_KEY:,} letters, digits and any of . _ ~ + = -"
        )


def check_descriptors(workspaces: int) -> None:
    """Raises StartupError if a state holds more workspaces than this process may have open files for."""
    needed = workspaces * OPEN_FILES
    if not has_room(needed):
        raise StartupError(
            f"the state holds {workspaces} workspaces, which need {needed} open files, and this process may have"
            f" {limit()} in all (ulimit -n); raise that limit to {2 * needed + 100}"
        )
