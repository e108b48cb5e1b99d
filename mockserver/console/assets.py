"""The static files of the page: one style sheet, one script."""

from __future__ import annotations

import mimetypes
from importlib import resources

from starlette.responses import Response

from mockserver.console.view import View
from mockserver.errors import NotFound

KEEP = "public, max-age=31536000, immutable"
"""The address of a file changes with its bytes."""


def send_asset(view: View) -> Response:
    """Answers with a static file. Raises NotFound."""
    name = view.request.path_params["name"]
    files = {file.name: file for file in resources.files("mockserver.console").joinpath("static").iterdir()}
    if name not in files:
        raise NotFound(f"The page has no file {name!r}; known are {', '.join(sorted(files))}")
    kind, _ = mimetypes.guess_type(name)
    headers = {"Cache-Control": KEEP, "Content-Security-Policy": "default-src 'none'"}
    return Response(files[name].read_bytes(), headers=headers, media_type=kind or "application/octet-stream")
