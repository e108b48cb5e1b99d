"""The served workspace that a request belongs to, also after other servers have taken it over."""

from collections.abc import Iterator

import pytest
from starlette.types import Scope

from mockserver.app import Server, build
from mockserver.places import cache_folder
from mockserver.settings import Settings
from mockserver.workspaces.owners import find_owner
from mockserver.workspaces.workspace import Workspace

KEY = "a-key"


@pytest.fixture
def server() -> Iterator[Server]:
    server = build(Settings(scenario="empty", api_key=KEY, cache=cache_folder()), "http://mock", local=True)
    yield server
    server.close()


def build_scope(workspace: Workspace, kind: str) -> Scope:
    token = workspace.links.mask_token("user", "organization", now=0)
    path, query, headers = {
        "key": ("/graphql", "", [(b"authorization", f"Bearer {KEY}".encode())]),
        "slug": (f"/_files/{workspace.links.workspace}/results/x", "", []),
        "token": ("/masks/feature/x", f"token={token}", []),
    }[kind]
    return {"method": "GET", "path": path, "query_string": query.encode(), "headers": headers}


@pytest.mark.parametrize("kind", ["key", "slug", "token"])
def test_a_request_belongs_to_nobody_once_others_serve_its_workspace(server: Server, kind: str) -> None:
    """Its answer ends as it has begun, and the journal notes it as unclaimed."""
    registry = server.workspaces.registry
    [workspace] = registry.all()
    scope = build_scope(workspace, kind)
    workspace.used_at = 0.0
    assert find_owner(registry, scope) is workspace
    assert workspace.used_at > 0.0
    removed = registry.remove_all()
    assert find_owner(registry, scope) is None
    for each in removed:
        registry.add(each)
