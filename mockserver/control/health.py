"""The control that says that the server answers."""

from __future__ import annotations

from starlette.requests import Request

from mockserver import __version__
from mockserver.control.bodies import Health


class HealthControl:
    """Imports nothing that a server without controls does not need."""

    def health(self, _request: Request, _body: None) -> Health:
        """Answers 200 as soon as GraphQL can be answered."""
        return Health("ok", __version__)
