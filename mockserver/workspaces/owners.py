"""The served workspace that a request belongs to, found from the request alone and before it is answered."""

from __future__ import annotations

import time

from starlette.types import Scope

from mockserver.workspaces.naming import WorkspaceName, name_by_client
from mockserver.workspaces.registry import Registry
from mockserver.workspaces.workspace import Workspace

OWNER = "mockserver.workspace"
"""The key of the workspace in the scope of a request, where an endpoint has found it."""


def find_owner(registry: Registry, scope: Scope) -> Workspace | None:
    """Returns the workspace whose link or API key a client's request carries, whether or not it may be used; None if it
    carries none."""
    known: Workspace | None = scope.get(OWNER)
    if known is not None:
        return known
    name = name_by_client(scope)
    return None if name is None else find_named(registry, name)


def find_named(registry: Registry, name: WorkspaceName) -> Workspace | None:
    """The served workspace with this name, which is a use of it. None also if other servers have taken it over: a layer
    that notes requests asks after their answers."""
    workspace = registry.peek(name.kind, name.value)
    if workspace is not None:
        workspace.used_at = time.monotonic()
    return workspace
