"""The served workspace that a request belongs to, found from the request alone and before it is answered."""

from __future__ import annotations

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
    """The served workspace with this name, or None."""
    if name.kind == "key":
        return registry.find(name.value) if registry.has(name.value) else None
    if name.kind == "slug":
        return registry.find_by_slug(name.value)
    return next((each for each in registry.all() if each.links.has_signed(name.value)), None)
