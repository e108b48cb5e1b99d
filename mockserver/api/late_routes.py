"""The endpoints beside GraphQL, each imported when a request for it is first received."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.types import ASGIApp

from mockserver.parts import HasParts, Part
from mockserver.workspaces.lifecycle import Workspaces

if TYPE_CHECKING:
    from mockserver.api.downloads import Downloads
    from mockserver.api.embedding_routes import EmbeddingRoutes
    from mockserver.api.frames import Frames
    from mockserver.api.masks import Masks
    from mockserver.api.ontology_routes import OntologyRoutes
    from mockserver.api.performance_routes import PerformanceRoutes
    from mockserver.api.rest import Rest

Endpoint = Callable[[Request], Awaitable[ASGIApp]]


class LateRoutes(HasParts):
    """The objects with the endpoints of one server."""

    downloads: Part[Downloads] = Part(
        "mockserver.api.downloads:Downloads", "workspaces public_url", keywords="compressed redirected"
    )
    rest: Part[Rest] = Part("mockserver.api.rest:Rest", "workspaces", keywords="compressed")
    frames: Part[Frames] = Part("mockserver.api.frames:Frames", "workspaces public_url")
    masks: Part[Masks] = Part("mockserver.api.masks:Masks", "workspaces")
    ontologies: Part[OntologyRoutes] = Part("mockserver.api.ontology_routes:OntologyRoutes", "workspaces")
    performance: Part[PerformanceRoutes] = Part("mockserver.api.performance_routes:PerformanceRoutes", "workspaces")
    embeddings: Part[EmbeddingRoutes] = Part("mockserver.api.embedding_routes:EmbeddingRoutes", "workspaces")

    def __init__(self, workspaces: Workspaces, public_url: str | None, *, compressed: bool, redirected: bool) -> None:
        super().__init__()
        self.workspaces, self.public_url = workspaces, public_url
        self.compressed, self.redirected = compressed, redirected

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint with this name, as `downloads.result`."""
        part, _, method = name.partition(".")

        async def answer(request: Request) -> ASGIApp:
            if part not in vars(self):  # in a thread: importing takes milliseconds
                await asyncio.to_thread(getattr, self, part)
            endpoint: Endpoint = getattr(getattr(self, part), method)
            return await endpoint(request)

        off_loop = self.workspaces.off_loop
        return answer if off_loop is None else off_loop.wrap(answer)
