"""The workspace that a request names, before anything is looked up."""

import base64
from typing import Any, cast
from unittest.mock import Mock

import pytest
from starlette.types import Scope

from mockserver.console.routes import ACTIONS, SIGN_IN, STREAM, VIEWS
from mockserver.control.routes import list_controls
from mockserver.links import Links
from mockserver.workspaces.naming import WorkspaceName, has_source_in_body, name_by_client, name_source, name_workspace

OWN = WorkspaceName("key", "own-key")
SENT = WorkspaceName("key", "sent", creates=True)
ABOUT_NONE = ("/docs/", "/console/static/", SIGN_IN)
LINKS = Links.from_secret("secret")
CREATED_KEY = LINKS.api_key({"apiKeyId": "key"})
TOKEN = LINKS.mask_token("user", "organization", now=0)
BEWIT = base64.urlsafe_b64encode(b"slug\\1\\mac\\").decode()


def scope_of(method: str, target: str, authorization: str | None = None) -> Scope:
    path, _, query = target.partition("?")
    headers = [] if authorization is None else [(b"authorization", authorization.encode("latin-1"))]
    return {"method": method, "path": path, "query_string": query.encode(), "headers": headers}


def name(method: str, target: str, authorization: str | None = None) -> WorkspaceName | None:
    return name_workspace(scope_of(method, target, authorization), "own-key")


def test_controls_about_a_workspace_name_it_by_their_query_and_the_others_name_none() -> None:
    for control in list_controls(*[cast("Any", Mock())] * 5):
        path = control.path.replace("{", "").replace("}", "")
        workspace = name(control.method, f"{path}?api_key=other", "Bearer control-token")
        if control.about_a_workspace:
            assert workspace == WorkspaceName("key", "other"), control.path
            assert name(control.method, path) == OWN, control.path
        else:
            assert workspace == (WorkspaceName("key", "api_key") if control.path.endswith("{api_key}") else None)


def test_views_of_the_page_name_their_workspace_by_the_query() -> None:
    actions = [(method, path) for method, path in ACTIONS]
    for method, path in [*(("GET", path) for path in VIEWS), *actions, ("GET", STREAM), ("POST", SIGN_IN)]:
        expected = None if path.startswith(ABOUT_NONE) else WorkspaceName("key", "other")
        assert name(method, f"{path}?api_key=other") == expected, path


@pytest.mark.parametrize(
    ("method", "target", "authorization", "expected"),
    [
        ("POST", "/graphql", "Bearer sent", SENT),
        ("POST", "/graphql", "sent", SENT),
        ("POST", "/graphql?api_key=other", "bearer  sent ", SENT),
        ("POST", "/graphql", None, None),
        ("POST", "/graphql", "", None),
        ("GET", "/_files/slug/results/x?Signature=y", "Bearer sent", WorkspaceName("slug", "slug")),
        ("GET", "/_files/", None, WorkspaceName("slug", "")),
        ("GET", "/masks/feature/x?token=a.b.c", None, WorkspaceName("token", "a.b.c")),
        ("GET", "/masks/feature/x?token=first&token=a.b.c", None, WorkspaceName("token", "a.b.c")),
        ("GET", "/masks/feature/x?token=a.b.c", "Bearer sent", SENT),
        ("GET", f"/v1/project/p/issues?bewit={BEWIT}", None, WorkspaceName("slug", "slug")),
        ("GET", f"/api/v1/project/p/issues?status=Open&bewit={BEWIT}", "Bearer sent", WorkspaceName("slug", "slug")),
        ("GET", "/v1/project/p/issues?bewit=%00", "Bearer sent", SENT),
        ("GET", "/v1/project/p/issues?bewit=%00", None, None),
        ("GET", "/api/v1/frames/label", "Bearer sent", SENT),
        ("POST", "/graphql", f"Bearer {CREATED_KEY}", WorkspaceName("slug", LINKS.workspace)),
        ("POST", "/graphql", CREATED_KEY, WorkspaceName("slug", LINKS.workspace)),
        ("POST", "/graphql", f"Bearer {TOKEN}", WorkspaceName("key", TOKEN, creates=True)),
        ("GET", "/", "Bearer sent", OWN),
        ("POST", "/", "Bearer sent", None),
        ("GET", "/?api_key=", None, OWN),
        ("GET", "/_mock/clock?api_key=&api_key=x%2By", None, WorkspaceName("key", "x+y")),
        ("DELETE", "/_mock/workspaces/a+b", None, WorkspaceName("key", "a+b")),
        ("GET", "/_mock/nothing", None, OWN),
        ("GET", "/nothing?" + "&".join(f"x{number}" for number in range(500)), None, None),
    ],
)
def test_a_request_names_its_workspace(
    method: str, target: str, authorization: str | None, expected: WorkspaceName | None
) -> None:
    assert name(method, target, authorization) == expected


def test_the_journal_and_faults_ignore_the_ways_of_the_control_api_and_the_page() -> None:
    for target in ("/_mock/clock?api_key=x", "/?api_key=x", "/console/requests?api_key=x"):
        assert name_by_client(scope_of("GET", target)) is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"fork_of": "source", "api_key": "new"}', WorkspaceName("key", "source")),
        (b'{"fork_of": null}', None),
        (b'{"fork_of": 7}', None),
        (b'{"fork_of": "\\ud800"}', None),
        (b"[]", None),
        (b"", None),
        (b"\xff", None),
        (b"[" * 100_000, None),
        (b'{"fork_of": "source"', None),
    ],
)
def test_a_fork_names_its_source_in_the_body(body: bytes, expected: WorkspaceName | None) -> None:
    assert name_source(body) == expected


def test_only_a_new_workspace_has_a_source_in_its_body() -> None:
    assert has_source_in_body(scope_of("POST", "/_mock/workspaces"))
    assert not has_source_in_body(scope_of("GET", "/_mock/workspaces"))
    assert not has_source_in_body(scope_of("POST", "/_mock/workspaces/x"))
