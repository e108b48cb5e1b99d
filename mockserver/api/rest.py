"""REST under `/api/v1`: with the API key, errors as JSON with `message`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp

from mockserver.api.results import find_result, open_result
from mockserver.errors import Conflict, NotFound
from mockserver.exports.streams import ERRORS, RESULT
from mockserver.http.threads import call_off_loop
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.workspace import Workspace
from mockserver.world.clause import Clause
from mockserver.world.records.tasks import Task, TaskStatus


class Rest:
    def __init__(self, workspaces: Workspaces, *, compressed: bool) -> None:
        """`compressed` results for clients that take gzip."""
        self._workspaces, self._compressed = workspaces, compressed

    async def _authenticate(self, request: Request) -> Workspace:
        return await self._workspaces.authenticate(request)

    async def export_results(self, request: Request) -> ASGIApp:
        """The whole result as NDJSON. SDKs build this address and never fetch it (export_task.py:376)."""
        return await self._stream(request, RESULT)

    async def export_errors(self, request: Request) -> ASGIApp:
        return await self._stream(request, ERRORS)

    async def _stream(self, request: Request, stream: str) -> ASGIApp:
        workspace = await self._authenticate(request)
        organization = request.path_params["organization"]
        if organization != workspace.world.organization_id:
            raise NotFound(f"Organization {organization!r} is not yours; yours is {workspace.world.organization_id!r}")
        task_id = request.path_params["task"]
        _check_ended(workspace, task_id, stream)
        result = find_result(workspace, task_id, stream, "all.ndjson")
        return await call_off_loop(
            workspace.results.remote, open_result, workspace, result, compressed=self._compressed
        )


def _check_ended(workspace: Workspace, task_id: str, stream: str) -> None:
    """An empty file would say that there were no rows. Raises Conflict."""
    with workspace.store.reading() as connection:
        task = connection.find(Task, Clause("id = :id", id=task_id))
    status = TaskStatus.COMPLETE if task is None else workspace.exports.view(task).status
    if status == TaskStatus.IN_PROGRESS:
        raise Conflict(f"Task {task_id!r} is IN_PROGRESS and has no files yet; ask for its status until it is COMPLETE")
    if stream == RESULT and status != TaskStatus.COMPLETE:
        raise Conflict(f"Task {task_id!r} is {status} and has no result; export again")
