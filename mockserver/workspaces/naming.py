"""The ways in which a request names the workspace that it is about, read from the request alone.

Nothing is looked up: the name may be that of no workspace, or of one that another replica serves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import msgspec
from starlette.datastructures import QueryParams
from starlette.types import Scope

from mockserver.errors import AuthenticationFailed, LinkRefused
from mockserver.links import WORKSPACE_CLAIM, parse_api_key, parse_bewit
from mockserver.workspaces.registry import read_key

FILES = "/_files/"
CONTROL_OF_WORKSPACES = "/_mock/workspaces"


class WorkspaceName(NamedTuple):
    """A name of a workspace: its API key, the slug of its links and of the API keys that its clients created, or a mask
    token that it has signed."""

    kind: Literal["key", "slug", "token"]
    value: str
    creates: bool = False
    """Whether a client has sent it as its key, so that `--any-key` creates the workspace."""


Read = Callable[[Scope, str], WorkspaceName | None]
"""Reads the name from a request; the text is the API key of the server's own workspace."""


class Way(NamedTuple):
    """How the requests to some paths name their workspace."""

    path: str
    """The path, or with a slash at its end the beginning of the paths."""
    read: Read
    method: str | None = None
    """The only method; None is every method."""

    def fits(self, method: str, path: str) -> bool:
        same_path = path.startswith(self.path) if self.path.endswith("/") and len(self.path) > 1 else path == self.path
        return same_path and self.method in (None, method)


def name_workspace(scope: Scope, own_key: str) -> WorkspaceName | None:
    """The workspace that any request is about. The first way that fits its path counts."""
    path, method = scope["path"], scope["method"]
    if path == "/" or path.startswith(OF_USERS):
        way = next((way for way in WAYS if way.fits(method, path)), None)
        return None if way is None else way.read(scope, own_key)
    return name_by_client(scope)


def name_by_client(scope: Scope) -> WorkspaceName | None:
    """The workspace that a client's request is about. A link of a file or of issues counts more than a key beside it,
    which such requests do not need; the token of a mask counts less, as its key is compared with it."""
    path: str = scope["path"]
    if path.startswith(FILES):
        return WorkspaceName("slug", path[len(FILES) :].partition("/")[0])
    query = scope["query_string"]
    if query and path.endswith("/issues") and (name := _read_bewit(query)) is not None:
        return name
    for header, value in scope["headers"]:
        if header == b"authorization":
            return _read_key(value.decode("latin-1"))
    return _read_token(query) or _read_bewit(query) if query else None


def has_source_in_body(scope: Scope) -> bool:
    """Whether the body of the request may name the workspace that is forked."""
    return bool(scope["path"] == CONTROL_OF_WORKSPACES and scope["method"] == "POST")


def name_source(body: bytes) -> WorkspaceName | None:
    """The workspace of which the body of `POST /_mock/workspaces` requests a fork; None for any other body."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    source = document.get("fork_of") if isinstance(document, dict) else None
    return WorkspaceName("key", source) if isinstance(source, str) else None


def _read_key(authorization: str) -> WorkspaceName | None:
    try:
        key = read_key(authorization)
    except AuthenticationFailed:
        return None
    claims = parse_api_key(key)
    return WorkspaceName("key", key, creates=True) if claims is None else WorkspaceName("slug", claims[WORKSPACE_CLAIM])


def _read_token(query: bytes) -> WorkspaceName | None:
    token = QueryParams(query).get("token")
    return None if token is None else WorkspaceName("token", token)


def _read_bewit(query: bytes) -> WorkspaceName | None:
    try:
        return WorkspaceName("slug", parse_bewit(QueryParams(query).get("bewit", "")).workspace)
    except LinkRefused:
        return None


def _name_none(_scope: Scope, _own_key: str) -> None:
    return None


def _read_parameter(scope: Scope, own_key: str) -> WorkspaceName:
    query = scope["query_string"]
    return WorkspaceName("key", (QueryParams(query).get("api_key") if query else None) or own_key)


def _read_path(scope: Scope, _own_key: str) -> WorkspaceName:
    path: str = scope["path"]
    return WorkspaceName("key", path[len(CONTROL_OF_WORKSPACES) + 1 :])


OF_USERS = ("/_mock/", "/console/", "/docs/")
"""The beginnings of paths that tests and users of the page call, and not clients."""
WAYS = (
    Way("/_mock/health", _name_none),
    Way("/_mock/metrics", _name_none),
    Way("/_mock/replicas", _name_none),
    Way("/_mock/openapi.json", _name_none),
    Way(CONTROL_OF_WORKSPACES, _name_none),
    Way(f"{CONTROL_OF_WORKSPACES}/", _read_path),
    Way("/_mock/", _read_parameter),
    Way("/docs/", _name_none),
    Way("/console/static/", _name_none),
    Way("/console/sign-in", _name_none),
    Way("/console/", _read_parameter),
    Way("/", _read_parameter, "GET"),
)
"""The ways of the control API and of the page; clients name their workspaces by `name_by_client`. A fork names its
source in its body (`name_source`)."""
