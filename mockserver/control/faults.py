"""The controls of faults: which failures a workspace imitates, and when."""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from mockserver.control.controls import Controls
from mockserver.control.known_rows import check_data_rows
from mockserver.faults.armed import FaultState
from mockserver.faults.rule import FaultRule


class FaultList(msgspec.Struct, frozen=True):
    """The faults of a workspace, in the order in which they were requested."""

    faults: list[FaultState]


class FaultControls:
    """One method for each control."""

    def __init__(self, controls: Controls) -> None:
        self._workspace = controls.workspace

    def list_faults(self, request: Request, _body: None) -> FaultList:
        """Lists the faults of the workspace, and how often each has hit."""
        return FaultList(self._workspace(request).faults.list_states())

    def request_fault(self, request: Request, body: FaultRule) -> FaultState:
        """Requests a fault: from now on it hits the calls that its rule names."""
        workspace = self._workspace(request)
        if body.data_rows is not None:
            with workspace.store.reading() as connection:
                check_data_rows(connection, body.data_rows)
        return workspace.faults.add(body)

    def clear_faults(self, request: Request, _body: None) -> None:
        """Removes all faults of the workspace."""
        self._workspace(request).faults.clear()

    def find_fault(self, request: Request, _body: None) -> FaultState:
        """Returns one fault, and how often it has hit."""
        return self._workspace(request).faults.find(request.path_params["fault"])

    def remove_fault(self, request: Request, _body: None) -> None:
        """Removes one fault."""
        self._workspace(request).faults.remove(request.path_params["fault"])
