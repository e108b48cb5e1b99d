"""One request for a view, with everything that a view reads and the way in which it is rendered."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse

from mockserver.console.headers import HEADERS
from mockserver.settings import Settings
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.workspace import Workspace
from mockserver.world.database import Connection

HIDDEN_KEY = "YOUR_KEY"
"""Takes the place of a key that is not shown."""


class View(NamedTuple):
    """A request and the workspace that it is about. `url` is the scheme and host that the client used."""

    request: Request
    workspaces: Workspaces
    workspace: Workspace
    settings: Settings
    url: str
    has_access: bool
    """Whether the client may read and control the workspace: a program of this machine, or one with the token."""
    environment: Environment

    @property
    def query(self) -> dict[str, str]:
        return dict(self.request.query_params)

    @property
    def is_own(self) -> bool:
        """Whether it shows the server's own workspace, which needs no key in addresses."""
        return self.workspace.api_key == self.settings.api_key

    @property
    def api_key(self) -> str:
        """The key of the workspace, or a stand-in where it is not shown: a key that begins with `mock-` is no secret,
        and a client that names a key knows it."""
        key = self.workspace.api_key
        is_known = self.has_access or not self.is_own or key.startswith("mock-")
        return key if is_known else HIDDEN_KEY

    def link(self, path: str, /, **query: Any) -> str:
        """An address of this server, about the same workspace. Values that are None or empty are left out; a list
        becomes a parameter for each item."""
        pairs = {name: value for name, value in query.items() if value not in (None, "", [])}
        if not self.is_own:
            pairs["api_key"] = self.workspace.api_key
        return f"{path}?{urlencode(pairs, doseq=True)}" if pairs else path

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection of its own, so that no request needs to wait for this one."""
        connection = self.workspace.store.snapshot()
        try:
            yield connection
        finally:
            connection.close()

    def render(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Renders a template; `view`, `link`, `now` and `frozen` are known in all of them."""
        clock = self.workspace.store.clock
        text = self.environment.get_template(template).render(
            values,
            view=self,
            link=self.link,
            now=clock.now(),
            frozen=clock.frozen_at is not None,
            path=self.request.url.path,
        )
        return HTMLResponse(text, status, HEADERS)
