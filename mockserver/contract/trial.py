"""One case while it is tried: its workspace, its client, and its findings."""

from __future__ import annotations

from typing import Any

from mockserver.certification.cases import Level
from mockserver.contract import service
from mockserver.contract.comparison import compare_rows
from mockserver.contract.mistakes import BY_NAME, Finding
from mockserver.contract.process import ClientError, TestedClient
from mockserver.contract.wire import judge_wire, select_own
from mockserver.testing.workspace import MockWorkspace

Json = dict[str, Any]

GENERAL = {"raised", "rows-lost", "last-row-lost", "rows-changed", "rows-foreign"}
"""Mistakes that say less than the name of the case they were found in."""


NOTED = 160
"""Characters of a client's error that are noted."""


class Trial:
    """Gives a case what it needs: calls of the client, the rows that the world expects, and a list for its findings."""

    def __init__(self, workspace: MockWorkspace, client: TestedClient, *, level: Level, mistake: str) -> None:
        """`level` and `mistake` are those of the case."""
        self.workspace, self.client = workspace, client
        self.level, self.mistake = level, mistake
        self.offers: list[str] = []
        self.not_offered = ""
        """Why the case was not judged."""
        self.findings: list[Finding] = []
        self.notes: list[str] = []
        self.requests: list[Json] = []
        """The client's requests with their answers, as the journal has them."""
        self.said: list[str] = []
        """The messages of the client's errors, which a program would log, and the details of findings."""
        self.exports = 0
        """Exports that the client should create."""

    def open(self, *, api_key: str | None = None) -> None:
        """Creates a client of the workspace. Raises Misconduct, ClientError."""
        workspace = self.workspace
        key = workspace.api_key if api_key is None else api_key
        self.offers = self.client.open(graphql_url=workspace.graphql_url, rest_url=workspace.rest_url, api_key=key)

    def close(self) -> None:
        """Closes the client of the workspace; an error of its own is a finding. Raises Misconduct."""
        try:
            self.client.close()
        except ClientError as error:
            self.find("raised", f"when it was closed: {error}")

    def report(self, error: ClientError) -> None:
        """Records an error that ended the case: as a finding, or as the reason why the case was not judged."""
        if error.not_offered:
            self.not_offered = str(error)
        else:
            self.find("raised", str(error))

    def note(self, error: ClientError) -> None:
        """Notes that the client raised an error where it should. Of a long message the end is noted, which says
        most."""
        self.said.append(str(error))
        text = " ".join(str(error).split()).replace(self.workspace.api_key, "[the API key]")
        self.notes.append("it raised " + (text if len(text) <= NOTED else f"…{text[-NOTED:]}"))

    def find(self, mistake: str, detail: str) -> None:
        """Adds a finding. If the mistake is a general one, it gets the name that the case has for it."""
        name = self.mistake if self.mistake and mistake in GENERAL else mistake
        level = max(self.level, BY_NAME[name].level, key=[*Level].index)
        self.said.append(detail)
        self.findings.append(Finding(name, detail.replace(self.workspace.api_key, "[the API key]"), level))

    def judge_requests(self) -> None:
        """Reads the journal, and adds the mistakes that it shows."""
        self.requests = select_own(self.workspace.requests)
        for mistake, detail in judge_wire(self.requests):
            self.find(mistake, detail)
        if any(self.workspace.api_key in text for text in [*self.said, self.client.stderr]):
            self.find("key-printed", "it is in the message of an error, or in what it wrote to the error stream")
        self.workspace.clear_faults()  # or they hit the next call too
        created = service.count_exports(self.workspace)
        if created > self.exports:
            self.find("mutation-repeated", f"{created} exports were created, and {self.exports} were needed")

    def export_rows(self, scope: Json, params: Json | None = None, filters: Json | None = None) -> list[Any]:
        """Calls the client with ids in place of the scope's names. Raises Misconduct, ClientError."""
        self.exports += 1
        arguments = {"scope": self.resolve(scope), "params": self.fix(params), "filters": filters or {}}
        return list(self.client.call("export_rows", **arguments))

    def resolve(self, scope: Json) -> Json:
        """Replaces the name of a project, dataset, slice or model run by its id."""
        ids = {
            "project": self.workspace.projects, "dataset": self.workspace.datasets,
            "slice": self.workspace.slices, "model_run": self.workspace.model_runs,
        }  # fmt: skip
        return {kind: ids[kind].get(name, name) if kind in ids else name for kind, name in scope.items()}

    def load_expected(self, scope: Json, params: Json | None = None, filters: Json | None = None) -> list[Json]:
        """The rows that the world itself expects for a call."""
        return self.workspace.expected_rows(**self.resolve(scope), params=self.fix(params), filters=filters or {})

    def fix(self, params: Json | None) -> Json:
        """The params of an export: those of the case, or those that the client always sends."""
        fixed = self.client.fixed_params
        return dict(params or {}) if fixed is None else dict(fixed)

    def compare(self, rows: list[Any], expected: list[Json]) -> None:
        """Adds a finding for each difference."""
        for difference in compare_rows(rows, expected):
            self.find(difference.mistake, difference.detail)

    def check_export(
        self, scope: Json, params: Json | None = None, filters: Json | None = None, *, exact: bool = False
    ) -> None:
        """Exports, and compares the rows. `exact`: the case is about its params. Raises Misconduct, ClientError."""
        if exact and self.fix(params) != params:
            raise ClientError("NotOffered", "it always sends the same params")
        try:
            rows = self.export_rows(scope, params, filters)
        except ClientError as error:
            if error.not_offered:
                raise
            self.find("raised", str(error))
            return
        self.compare(rows, self.load_expected(scope, params, filters))
