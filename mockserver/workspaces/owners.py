"""The workspace that a request belongs to, found from the request alone and before it is answered."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.types import Scope

from mockserver.errors import AuthenticationFailed, LinkRefused
from mockserver.links import parse_bewit
from mockserver.workspaces.registry import Registry, read_key
from mockserver.workspaces.workspace import Workspace

FILES = "/_files/"
OWNER = "mockserver.workspace"
"""The key of the workspace in the scope of a request, where an endpoint has found it."""


def find_owner(registry: Registry, scope: Scope) -> Workspace | None:
    """Returns the workspace whose link or API key a request carries, whether or not it may be used; None if none is.

    A link counts more than a key beside it, which file requests do not need.
    """
    known: Workspace | None = scope.get(OWNER)
    if known is not None:
        return known
    path: str = scope["path"]
    if path.startswith(FILES):
        return registry.find_by_slug(path[len(FILES) :].partition("/")[0])
    for name, value in scope["headers"]:
        if name == b"authorization":
            return _find_by_key(registry, value.decode("latin-1"))
    return _find_by_token(registry, scope["query_string"]) if scope["query_string"] else None


def _find_by_key(registry: Registry, authorization: str) -> Workspace | None:
    try:
        key = read_key(authorization)
    except AuthenticationFailed:
        return None
    return registry.find(key) if registry.has(key) else None


def _find_by_token(registry: Registry, query: bytes) -> Workspace | None:
    """Finds the workspace by the token of a mask or the bewit of a file of issues, which carry no key."""
    values = parse_qs(query.decode("latin-1"), max_num_fields=100)
    for token in values.get("token", [])[:1]:
        return next((each for each in registry.all() if each.links.has_signed(token)), None)
    for bewit in values.get("bewit", [])[:1]:
        try:
            return registry.find_by_slug(parse_bewit(bewit).workspace)
        except LinkRefused:
            return None
    return None
