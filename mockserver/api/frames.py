"""The frames endpoint of Export V1: where the annotations of a video or DICOM label are, and those annotations.

The endpoint takes the API key and sends the client on to a signed link (seed: export-labels-from-project), which needs
none: clients lose the Authorization header on their way to another host.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from mockserver.api.downloads import check_signature
from mockserver.errors import Conflict, Gone, NotFound, NotYours, quote
from mockserver.exports.legacy.dates import load_legacy_format
from mockserver.exports.legacy.frames import has_frames, render_frame_lines
from mockserver.exports.legacy.schema_facts import SchemaFacts, build_schema_facts
from mockserver.exports.text import unescape
from mockserver.http.ranged import RangedResponse
from mockserver.http.requests import base_url
from mockserver.http.responses import NDJSON
from mockserver.http.sources import GeneratedSource
from mockserver.links import DAY, RESULT_DAYS, good_until
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.workspace import Workspace
from mockserver.world.clause import Clause
from mockserver.world.media import FRAMED, FRAMED_NAMES
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import Body, Label
from mockserver.world.records.projects import Ontology, Project

OTHER_NAMES = {"127.0.0.1": "localhost", "localhost": "127.0.0.1"}
"""Two names of one machine are two hosts to a client."""


class Framed(NamedTuple):
    """A label whose annotations lie in frames."""

    label: Label
    body: Body
    terms: SchemaFacts


class Frames:
    def __init__(self, workspaces: Workspaces, public_url: str | None) -> None:
        self._workspaces, self._public_url = workspaces, public_url

    async def endpoint(self, request: Request) -> ASGIApp:
        """301 to the frames; 204 when the label is skipped and has none (seed). 403, 404 and 410 are inferred.
        Raises AuthenticationFailed, NotYours, NotFound, Gone."""
        workspace = await self._workspaces.authenticate(request)
        framed = self._find_framed(workspace, request.path_params["label"])
        if framed.label.skipped and not has_frames(framed.body.content):
            return Response(status_code=204)
        chosen = workspace.settings.switches.frames
        if chosen == "direct":
            # The same for a whole day, so that a download which broke off can go on.
            today = workspace.store.clock.now() // DAY * DAY
            return self._response(request, workspace, framed, since=today)
        base = base_url(request, self._public_url)
        expires = good_until(workspace.store.clock.now(), RESULT_DAYS)
        target = workspace.links.frames(framed.label.id, expires=expires)
        host = other_host(base) if chosen == "redirect_elsewhere" else base
        # Clients may remember a 301 for good, and this one leads to a link that ends.
        return Response(status_code=301, headers={"Location": host + target, "Cache-Control": "no-store"})

    async def target(self, request: Request) -> ASGIApp:
        """The frames, by a signed link."""
        workspace = check_signature(self._workspaces, request)
        since = int(request.query_params["Expires"]) * 1000 - RESULT_DAYS * DAY
        return self._response(
            request, workspace, self._find_framed(workspace, request.path_params["label"]), since=since
        )

    def _response(self, request: Request, workspace: Workspace, framed: Framed, *, since: int) -> RangedResponse:
        """`since` is the time from which the tokens of masks are valid: the same link gives the same bytes."""
        world = workspace.world
        token = workspace.links.mask_token(world.user_id, world.organization_id, now=since)
        base = base_url(request, self._public_url)
        raw = workspace.settings.switches.characters == "utf-8"
        mask = f"{base}/masks/feature/{{}}?token={token}&frame={{}}"

        def pieces() -> Iterator[bytes]:
            prefix = framed.label.feature_prefix
            lines = render_frame_lines(framed.body.content, prefix=prefix, terms=framed.terms, mask=mask)
            return map(unescape, lines) if raw else lines

        # The lines depend on both: the address of masks, and the form of questions by the payload date.
        form = f"{mask} {framed.terms.scopes is not None}"
        address = hashlib.blake2b(form.encode(), digest_size=6).hexdigest()
        tag = f"{framed.label.id}-{framed.body.id}-{framed.label.content_updated_at}-{address}"
        return RangedResponse(GeneratedSource(pieces, tag), NDJSON)

    def _find_framed(self, workspace: Workspace, label_id: str) -> Framed:
        with workspace.store.reading() as connection:
            label = connection.find(Label, Clause("id = :id", id=label_id))
            if label is None:
                raise self._build_missing(workspace, label_id)
            [row] = connection.select(DataRow, Clause("no = :no", no=label.data_row_no))
            [project] = connection.select(Project, Clause("id = :id", id=label.project_id))
            if label.deleted or row.deleted or project.deleted:
                raise Gone(f"Label {label_id!r} was deleted; export again to see what is there now")
            if row.media_type not in FRAMED:
                raise NotFound(f"Label {label_id!r} is of {row.media_type}; only {quote(FRAMED_NAMES)} have frames")
            [body] = connection.select(Body, Clause("id = :id", id=label.body_id))
            ontologies = connection.select(Ontology, Clause("id = :id", id=project.ontology_id))
            scoped = load_legacy_format(connection).has("workflow")
        return Framed(label, body, build_schema_facts(ontologies, scoped=scoped))

    def _build_missing(self, own: Workspace, label_id: str) -> NotFound | NotYours:
        if self._is_of_another(own, label_id):
            return NotYours(f"Label {label_id!r} belongs to another workspace than the API key of the request")
        return NotFound(f"Label {label_id!r} does not exist in this workspace")

    def _is_of_another(self, own: Workspace, label_id: str) -> bool:
        """Whether any workspace but the own one has the label."""
        owners = self._workspaces.owners
        if owners is not None:
            return owners.lookup.has_label(label_id)
        return any(_has_label(other, label_id) for other in self._workspaces.registry.all() if other is not own)


def _has_label(workspace: Workspace, label_id: str) -> bool:
    try:
        with workspace.store.reading() as connection:
            return connection.find(Label, Clause("id = :id", id=label_id)) is not None
    except Conflict:  # it was deleted in the meantime
        return False


def other_host(base: str) -> str:
    """The same server under another name of its machine. Raises Conflict."""
    parts = urlsplit(base)
    name = OTHER_NAMES.get(parts.hostname or "")
    if name is None:
        known = " and ".join(OTHER_NAMES)
        raise Conflict(
            f"The switch frames is redirect_elsewhere, and {parts.hostname!r} has no other name here: only {known} do;"
            " use one of them, or set the switch to redirect"
        )
    return f"{parts.scheme}://{name}" + (f":{parts.port}" if parts.port else "")
