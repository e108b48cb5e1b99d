"""Workspaces as they must be after the requests of one client, whichever replicas have answered them."""

import copy
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from contract_tests.receiving import Received
from contract_tests.replicas import exporting
from contract_tests.replicas.journal import Export


@dataclass
class Content:
    """The rows and projects that forks copy, and that a reset brings back."""

    projects: set[str] = field(default_factory=set)
    rows: set[str] = field(default_factory=set)


@dataclass
class StartedExport:
    """An export, the rows that it must have, and how it must end."""

    export: Export
    rows: set[str]
    looks: int
    """How often it must be seen IN_PROGRESS at least."""
    fails: bool
    may_be_lost: bool = False
    """Whether a replica was lost since it began. It may have failed then, with a reason."""

    def describe_error(self, message: str) -> str | None:
        """The difference between its end and what was requested."""
        export = self.export
        if self.may_be_lost and export.status == "FAILED" and export.reason:
            return None
        if self.fails:
            right = export.status == "FAILED" and export.reason == message
            return None if right else f"it is {export.status} ({export.reason}); its failure was requested"
        if export.status != "COMPLETE":
            return f"it is {export.status}: {export.reason}"
        if export.polls < self.looks:
            return f"it was COMPLETE after {export.polls} polls, and {self.looks} were requested"
        seen = [name for name in list_rows(export.content) if name.startswith("row-")]
        return None if Counter(seen) == Counter(self.rows) else f"it has the rows {seen}, not {sorted(self.rows)}"


def list_rows(content: str) -> list[str]:
    """The global keys in the result of an export."""
    return [row["data_row"]["global_key"] for row in exporting.rows_of(content)]


@dataclass
class Model:
    """One workspace."""

    now: Content = field(default_factory=Content)
    origin: Content = field(default_factory=Content)
    """Its content when it was created."""
    faults: int = 0
    """Calls that a requested fault still hits."""
    failures: int = 0
    """Exports that still fail, because that was requested."""
    reported: set[str] | None = None
    """The rows whose labels the webhook must have reported; None without a webhook."""
    receiver: str = ""
    """The URL of the webhook."""
    exports: list[StartedExport] = field(default_factory=list)

    def fork(self) -> "Model":
        return Model(copy.deepcopy(self.now), copy.deepcopy(self.now))

    def reset(self) -> "Model":
        return Model(copy.deepcopy(self.origin), self.origin)

    def start(self, export: Export, looks: int) -> None:
        """Adds an export of the present rows. It takes one of the requested failures."""
        self.exports.append(StartedExport(export, set(self.now.rows), looks, self.failures > 0))
        self.failures -= self.failures > 0

    def list_wrong_deliveries(self, deliveries: list[dict[str, Any]], received: list[Received]) -> list[str]:
        """Each event must be on record once, and must have arrived with those bytes."""
        assert self.reported is not None
        wrong = [f"{item['id']} is {item['state']}" for item in deliveries if item["state"] != "DELIVERED"]
        if len(deliveries) != len(self.reported):
            wrong.append(f"{len(deliveries)} deliveries are on record for {len(self.reported)} labels")
        on_record = {(item["id"], item["body"].encode()) for item in deliveries}
        arrived = {(item.id, item.body) for item in received}
        return wrong + [f"{id_} arrived or is on record alone" for id_, _ in on_record ^ arrived]
