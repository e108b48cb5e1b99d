"""The frame around every view: its templates, its headers, who may see it, and errors as pages."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from importlib import resources
from typing import Any
from urllib.parse import parse_qs

from jinja2 import ChainableUndefined, Environment, PackageLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from mockserver import __version__
from mockserver.console import words
from mockserver.console.headers import HEADERS
from mockserver.console.streams import Streams
from mockserver.console.view import View
from mockserver.errors import ControlRefused, NotFound, WireError
from mockserver.http import access
from mockserver.http.requests import base_url
from mockserver.http.responses import error_response
from mockserver.settings import Settings
from mockserver.workspaces.lifecycle import Workspaces

OPEN_TO_ALL = frozenset(
    {"home:show_home", "assets:send_asset", "documentation:list_documents", "documentation:show_document"}
)
"""The views that need no control token from another machine."""


class Frame:
    """Answers the requests for views."""

    def __init__(self, settings: Settings, workspaces: Workspaces) -> None:
        self._settings, self._workspaces, self._streams = settings, workspaces, Streams()
        self._environment = Environment(
            loader=PackageLoader("mockserver.console"),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=ChainableUndefined,  # rows of earlier payload dates lack keys
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= words.FILTERS
        self._environment.globals |= {
            "package_version": __version__,
            "assets": _hash_assets(),
        }

    def answer(self, target: str, request: Request) -> Response:
        """Answers with a view, or with the reason why there is none, as a page."""
        view = None
        try:
            view = self._open(request)
            if target not in OPEN_TO_ALL:
                _check_access(view)
            show: Callable[[View], Response] = _find(target)
            return show(view)
        except WireError as error:
            return self._refuse(request, error, view)

    def act(self, target: str, request: Request, body: bytes) -> Response:
        """Does what a form of the page requests. Its script reads errors as JSON."""
        try:
            view = self._open(request)
            _check_access(view)
            action: Callable[[View, bytes], Response] = _find(target)
            return action(view, body)
        except WireError as error:
            return error_response(error)

    def follow(self, request: Request) -> Response:
        """Answers with the server-sent events of a workspace. Called on the event loop."""
        try:
            view = self._open(request)
            _check_access(view)
            return self._streams.answer(view)
        except WireError as error:
            return error_response(error)

    def _open(self, request: Request) -> View:
        """Raises NotFound for an unknown workspace."""
        settings, registry = self._settings, self._workspaces.registry
        requested = request.query_params.get("api_key")
        if requested is not None and not registry.has(requested):
            # Unlike the control API, this page reveals no other key: anybody may open it.
            raise NotFound("No workspace has this api_key; leave it out to see the server's own")
        return View(
            request=request,
            workspaces=self._workspaces,
            workspace=registry.get(settings.api_key if requested is None else requested),
            settings=settings,
            url=base_url(request, settings.public_url),
            has_access=self._has_access(request),
            environment=self._environment,
        )

    def _has_access(self, request: Request) -> bool:
        try:
            access.check(request, self._settings.token, self._settings.hosts)
        except ControlRefused:
            return False
        return True

    def _refuse(self, request: Request, error: WireError, view: View | None = None) -> Response:
        """Answers with the reason; with the links to other views, if the workspace is known and may be seen."""
        if not _wants_html(request):
            return error_response(error)
        values = {
            "error": error,
            "title": "There is no such page" if isinstance(error, NotFound) else "This address cannot be read",
            "location": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "asks_token": isinstance(error, ControlRefused),
        }
        if view is not None and view.has_access:
            return view.render("refused.html", status=error.status, **values)
        return HTMLResponse(self._environment.get_template("refused.html").render(values), error.status, HEADERS)

    def sign_in(self, request: Request, body: bytes) -> Response:
        """Sets the cookie of a browser that sends the control token, and leads back to the view it requested."""
        fields = parse_qs(body.decode("utf-8", "replace"))
        token, location = fields.get("token", [""])[0].strip(), fields.get("target", ["/"])[0]
        location = location if location.startswith("/") and not location.startswith(("//", "/\\")) else "/"
        if access.is_from_another_origin(request) or not access.is_token(token, self._settings.token):
            error = ControlRefused("This is not the control token; it is printed when the server starts")
            return self._refuse(request, error)
        answer = RedirectResponse(location, 303, HEADERS)
        value = access.sign_in_value(self._settings.token)
        answer.set_cookie(access.COOKIE, value, httponly=True, samesite="strict", secure=request.url.scheme == "https")
        return answer


def _check_access(view: View) -> None:
    """Raises ControlRefused."""
    if not view.has_access:
        raise ControlRefused("From another machine this view needs the control token of the server")


def _find(target: str) -> Any:
    """Imports a function of this room."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(f"mockserver.console.{module}"), name)


def _wants_html(request: Request) -> bool:
    """Whether a browser opens a page; scripts and programs read errors as JSON."""
    return "text/html" in request.headers.get("accept", "")


def _hash_assets() -> dict[str, Any]:
    """The address of each static file, which changes with its bytes, so that browsers may keep it for ever."""
    folder = resources.files("mockserver.console").joinpath("static")
    return {
        file.name: f"/console/static/{file.name}?v={hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
        for file in folder.iterdir()
    }
