"""Every route of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

from starlette.routing import Route

from mockserver.api.graphql.endpoint import GraphQLEndpoint
from mockserver.api.graphql.engine import Engine
from mockserver.api.graphql.resolvers import MODULES
from mockserver.api.late_routes import LateRoutes
from mockserver.console.routes import console_routes
from mockserver.control.routes import ControlRoutes
from mockserver.settings import Settings
from mockserver.workspaces.lifecycle import Workspaces

GRAPHQL_PATHS = ("/graphql", "/_gql", "/api/graphql", "/api/_gql")
"""One schema on all: SDKs replace `/graphql` by `/_gql` for some operations (client.py 3.30.1:161)."""
FRAMES_PATHS = ("/v1/frames/{label}", "/api/v1/frames/{label}")
"""The first is what Export V1 writes (sample: video notebook of 2022-04)."""
EMBEDDINGS_PATH = "/adv/adv/v1/embeddings"
"""SDKs put `/adv` behind the host of their REST address, and `/adv/v1/…` behind that (adv_client.py)."""
PROJECT_PERFORMANCE = "/api/v1/performance/projects/{project}"
FEATURE_IN_ONTOLOGY = "/api/v1/ontologies/{ontology}/feature-schemas/{feature}"
ISSUES_PATHS = ("/v1/project/{project}/issues", "/api/v1/project/{project}/issues")
"""The first is what `issueExportUrl` says (tests of 2021-04)."""


class Routes:
    """Every route of the server. Most are built when a request fits none of the first ones: compiling their patterns
    takes a twentieth of a start."""

    def __init__(self, first: list[Route], build_others: Callable[[], list[Route]]) -> None:
        self._first, self._build_others = first, build_others

    def __iter__(self) -> Iterator[Route]:
        yield from self._first
        yield from self._others

    @cached_property
    def _others(self) -> list[Route]:
        return self._build_others()

    @cached_property
    def paths(self) -> list[str]:
        return sorted({route.path for route in self})


def build_routes(settings: Settings, workspaces: Workspaces, controls: ControlRoutes) -> Routes:
    """Lists every route of the server, the most frequent first."""
    graphql = GraphQLEndpoint(Engine(MODULES, settings.cache), workspaces, settings.public_url)
    first = [
        *(Route(path, graphql, methods=None) for path in GRAPHQL_PATHS),
        controls.build_health(),
        *(Route(f"{path}/", graphql, methods=None) for path in GRAPHQL_PATHS),
    ]
    return Routes(first, lambda: build_other_routes(settings, workspaces, controls))


def build_other_routes(settings: Settings, workspaces: Workspaces, controls: ControlRoutes) -> list[Route]:
    """Lists the routes beside GraphQL and the health check."""
    late = LateRoutes(
        workspaces, settings.public_url, compressed=settings.gzip_results, redirected=settings.results_redirect
    ).endpoint
    return [
        Route("/_files/{workspace}/results/{task}/{stream}/{file}", late("downloads.result")),
        Route("/_files/{workspace}/assets/{row}/{name:path}", late("downloads.asset")),
        Route("/_files/{workspace}/uploads/{upload}/{name:path}", late("downloads.upload")),
        Route("/_files/{workspace}/imports/{task}/result.json", late("downloads.import_result")),
        *(Route(path, late("frames.endpoint")) for path in FRAMES_PATHS),
        Route("/_files/{workspace}/frames/{label}.ndjson", late("frames.target")),
        Route("/_files/{workspace}/exports/{file}/{name}", late("downloads.legacy")),
        *(Route(path, late("downloads.issues")) for path in ISSUES_PATHS),
        Route("/_files/{workspace}/attachments/{attachment}/{name:path}", late("downloads.attachment")),
        Route("/_files/{workspace}/text-layers/{row}/{name}", late("downloads.text_layer")),
        Route("/_files/{workspace}/tiles/{row}/{zoom}/{column}/{line}", late("downloads.tile")),
        Route("/api/v1/export-results/{task}/{organization}", late("rest.export_results")),
        Route("/api/v1/export-errors/{task}/{organization}", late("rest.export_errors")),
        Route("/api/v1/tasks/{task}/masks/{mask}/index/{index}", late("masks.draw_composite")),
        Route("/api/v1/projects/{project}/annotations/{feature}/index/{index}/mask", late("masks.draw_flat")),
        Route("/api/v1/projects/{project}/annotations/{feature}/mask", late("masks.draw_in_colour")),
        Route("/masks/feature/{feature}", late("masks.draw_one")),
        Route("/masks/{project}/{user}/{row}/{index}", late("masks.draw_of_old_label")),
        Route("/api/v1/ontologies/unused", late("ontologies.list_unused_ontologies")),
        Route("/api/v1/ontologies/{ontology}", late("ontologies.ontology")),
        Route("/api/v1/ontologies/{ontology}", late("ontologies.delete_ontology"), methods=["DELETE"]),
        Route(FEATURE_IN_ONTOLOGY, late("ontologies.insert_feature"), methods=["POST"]),
        Route(FEATURE_IN_ONTOLOGY, late("ontologies.remove_feature"), methods=["DELETE"]),
        Route(f"{FEATURE_IN_ONTOLOGY}/unarchive", late("ontologies.unarchive_feature"), methods=["PATCH"]),
        Route("/api/v1/feature-schemas/unused", late("ontologies.list_unused_feature_schemas")),
        Route("/api/v1/feature-schemas/{feature}", late("ontologies.upsert_feature"), methods=["PUT"]),
        Route("/api/v1/feature-schemas/{feature}", late("ontologies.delete_feature"), methods=["DELETE"]),
        Route("/api/v1/feature-schemas/{feature}/definition", late("ontologies.rename_feature"), methods=["PATCH"]),
        Route("/api/v1/performance/metrics", late("performance.list_metrics")),
        Route(f"{PROJECT_PERFORMANCE}/metrics/{{metric}}", late("performance.project_metric")),
        Route(f"{PROJECT_PERFORMANCE}/labelers", late("performance.project_labelers")),
        Route(f"{PROJECT_PERFORMANCE}/reviewers", late("performance.project_reviewers")),
        Route(f"{PROJECT_PERFORMANCE}/download", late("performance.refuse")),
        Route("/api/v1/performance/workspace/metrics/{metric}", late("performance.workspace_metric")),
        Route("/api/v1/performance/workspace/labelers", late("performance.workspace_labelers")),
        Route("/api/v1/performance/workspace/sign-in-sessions", late("performance.refuse")),
        Route("/api/v1/performance/workspace/sign-in-events", late("performance.refuse")),
        Route(EMBEDDINGS_PATH, late("embeddings.embeddings"), methods=["GET", "POST"]),
        Route(f"{EMBEDDINGS_PATH}/{{embedding}}", late("embeddings.embedding"), methods=["GET", "DELETE"]),
        Route(f"{EMBEDDINGS_PATH}/{{embedding}}/_import_ndjson", late("embeddings.import_vectors"), methods=["PUT"]),
        Route(f"{EMBEDDINGS_PATH}/{{embedding}}/vectors/_count", late("embeddings.count")),
        *controls.build_others(),
        *console_routes(settings, workspaces),
    ]
