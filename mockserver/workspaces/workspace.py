"""One API key's world and the parts that serve it, for one life: a reset makes a new one."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from mockserver.conversion import decode
from mockserver.faults.armed import ActiveFaults, Faults
from mockserver.faults.rule import FaultRule
from mockserver.jobs.long_changes import LongChanges
from mockserver.jobs.turns import TurnLock
from mockserver.journal.journal import Journals
from mockserver.links import Links
from mockserver.parts import HasParts, Part
from mockserver.results.budget import Budget
from mockserver.storage.interface import Life
from mockserver.storage.manifest import WorkspaceManifest
from mockserver.webhooks.dispatcher import Dispatcher
from mockserver.webhooks.outbox import OutboxWriter
from mockserver.workspaces.kept_faults import KeptFaults
from mockserver.world.changes.deliveries import Deliveries
from mockserver.world.records.workspace import Workspace as World
from mockserver.world.store import Hooks

if TYPE_CHECKING:
    from mockserver.exports.legacy.files import LegacyFiles
    from mockserver.exports.tasks import Exports
    from mockserver.jobs.annotation_imports import AnnotationImports
    from mockserver.jobs.row_imports import RowImports
    from mockserver.jobs.task_jobs import TaskJobs
    from mockserver.jobs.uploads import Uploads
    from mockserver.world.changes.api_keys import ApiKeyChanges
    from mockserver.world.changes.attachments import AttachmentChanges
    from mockserver.world.changes.batches import BatchChanges
    from mockserver.world.changes.catalog import CatalogChanges
    from mockserver.world.changes.data_rows import DataRowChanges
    from mockserver.world.changes.embeddings import EmbeddingChanges
    from mockserver.world.changes.foundry_apps import FoundryAppChanges
    from mockserver.world.changes.global_keys import GlobalKeyChanges
    from mockserver.world.changes.groups import GroupChanges
    from mockserver.world.changes.integrations import IntegrationChanges
    from mockserver.world.changes.issues import IssueChanges
    from mockserver.world.changes.labels import LabelChanges
    from mockserver.world.changes.metadata import MetadataChanges
    from mockserver.world.changes.model_configs import ModelConfigChanges
    from mockserver.world.changes.models import ModelChanges
    from mockserver.world.changes.ontologies import OntologyChanges
    from mockserver.world.changes.people import PeopleChanges
    from mockserver.world.changes.polls import Processing
    from mockserver.world.changes.projects import ProjectChanges
    from mockserver.world.changes.queues import QueueChanges
    from mockserver.world.changes.reservations import ReservationChanges
    from mockserver.world.changes.settings import WorkspaceSettings
    from mockserver.world.changes.slices import SliceChanges
    from mockserver.world.changes.tasks import TaskChanges
    from mockserver.world.changes.workflows import WorkflowChanges
    from mockserver.world.changes.workforces import WorkforceChanges

LOG = logging.getLogger(__name__)

LONG_READS = 2
"""Long queries of one workspace that are answered at the same time."""


class Parts(NamedTuple):
    """The parts that all workspaces of a server share. `url` is scheme and host of the URLs in webhook bodies."""

    threads: ThreadPoolExecutor
    budget: Budget
    dispatcher: Dispatcher
    journals: Journals
    active_faults: ActiveFaults
    url: str


def store_hooks(manifest: WorkspaceManifest, parts: Parts) -> Hooks:
    """The hooks that a workspace's store is opened with: messages of webhooks are written, and then sent."""
    writer = OutboxWriter(Links.from_secret(manifest.secret), parts.url, parts.dispatcher.outbox_limit)
    return Hooks(writer.before_commit, parts.dispatcher.wake)


class Workspace(HasParts):
    """Serves one world until it is closed."""

    exports: Part[Exports] = Part("mockserver.exports.tasks:Exports", "store links results threads budget faults")
    legacy: Part[LegacyFiles] = Part(
        "mockserver.exports.legacy.files:LegacyFiles", "store links results threads budget"
    )
    uploads: Part[Uploads] = Part("mockserver.jobs.uploads:Uploads", "store links results budget")
    jobs: Part[TaskJobs] = Part("mockserver.jobs.task_jobs:TaskJobs", "store threads long_changes")
    annotation_imports: Part[AnnotationImports] = Part(
        "mockserver.jobs.annotation_imports:AnnotationImports", "store uploads long_changes threads"
    )
    row_imports: Part[RowImports] = Part("mockserver.jobs.row_imports:RowImports", "store uploads jobs")
    settings: Part[WorkspaceSettings] = Part("mockserver.world.changes.settings:WorkspaceSettings", "store")
    catalog: Part[CatalogChanges] = Part("mockserver.world.changes.catalog:CatalogChanges", "store")
    batches: Part[BatchChanges] = Part("mockserver.world.changes.batches:BatchChanges", "store")
    queues: Part[QueueChanges] = Part("mockserver.world.changes.queues:QueueChanges", "store")
    reservations: Part[ReservationChanges] = Part("mockserver.world.changes.reservations:ReservationChanges", "store")
    integrations: Part[IntegrationChanges] = Part("mockserver.world.changes.integrations:IntegrationChanges", "store")
    api_keys: Part[ApiKeyChanges] = Part("mockserver.world.changes.api_keys:ApiKeyChanges", "store")
    people: Part[PeopleChanges] = Part("mockserver.world.changes.people:PeopleChanges", "store")
    metadata: Part[MetadataChanges] = Part("mockserver.world.changes.metadata:MetadataChanges", "store")
    attachments: Part[AttachmentChanges] = Part("mockserver.world.changes.attachments:AttachmentChanges", "store")
    global_keys: Part[GlobalKeyChanges] = Part("mockserver.world.changes.global_keys:GlobalKeyChanges", "store")
    embeddings: Part[EmbeddingChanges] = Part("mockserver.world.changes.embeddings:EmbeddingChanges", "store")
    models: Part[ModelChanges] = Part("mockserver.world.changes.models:ModelChanges", "store")
    projects: Part[ProjectChanges] = Part("mockserver.world.changes.projects:ProjectChanges", "store")
    groups: Part[GroupChanges] = Part("mockserver.world.changes.groups:GroupChanges", "store")
    slices: Part[SliceChanges] = Part("mockserver.world.changes.slices:SliceChanges", "store")
    foundry_apps: Part[FoundryAppChanges] = Part("mockserver.world.changes.foundry_apps:FoundryAppChanges", "store")
    model_configs: Part[ModelConfigChanges] = Part("mockserver.world.changes.model_configs:ModelConfigChanges", "store")
    data_rows: Part[DataRowChanges] = Part("mockserver.world.changes.data_rows:DataRowChanges", "store")
    labels: Part[LabelChanges] = Part("mockserver.world.changes.labels:LabelChanges", "store")
    issues: Part[IssueChanges] = Part("mockserver.world.changes.issues:IssueChanges", "store")
    workflows: Part[WorkflowChanges] = Part("mockserver.world.changes.workflows:WorkflowChanges", "store")
    workforces: Part[WorkforceChanges] = Part("mockserver.world.changes.workforces:WorkforceChanges", "store")
    ontologies: Part[OntologyChanges] = Part("mockserver.world.changes.ontologies:OntologyChanges", "store")
    tasks: Part[TaskChanges] = Part("mockserver.world.changes.tasks:TaskChanges", "store")
    processing: Part[Processing] = Part("mockserver.world.changes.polls:Processing", "store")

    def __init__(self, life: Life, parts: Parts, *, is_new: bool = False) -> None:
        """`is_new`: the life has just been created, so it has nothing to send yet, and no files."""
        super().__init__()
        store = life.store
        self.life = life
        self.store = store
        self.world: World = store.workspace
        self.api_key = self.world.name
        self.links = Links.from_secret(life.manifest.secret)
        self.results = life.results
        self.threads, self.budget = parts.threads, parts.budget
        self.long_changes = LongChanges(store)
        self.long_reads = TurnLock(LONG_READS)
        self.faults = Faults(parts.active_faults, store.clock.now, KeptFaults(store, self.long_changes))
        self._open_faults()
        self.used_at = time.monotonic()
        """The time of the last request that found the workspace."""
        self.key_revoked = self.world.key_revoked
        """Whether clients are refused as if the key named no workspace."""
        self.deliveries = Deliveries(store)
        self.outbox_writer = OutboxWriter(self.links, parts.url, parts.dispatcher.outbox_limit)
        self._journals = parts.journals
        self.journal = parts.journals.open(self.api_key, store.clock.now, life.journal)
        self._dispatcher = parts.dispatcher
        self._dispatcher.attach(self.deliveries, is_new=is_new)
        if not is_new:
            self._take_over()

    def _open_faults(self) -> None:
        """Goes on with the faults that an earlier server has left, or begins with those of the scenario."""
        if self.world.requested_faults:
            self.faults.load()
        else:
            self.faults.begin(decode(self.world.faults, list[FaultRule]))

    def _take_over(self) -> None:
        """Creates the parts that count the files of an earlier run, delete those that it left unfinished, and go on
        with its imports."""
        _created = (self.exports, self.legacy, self.uploads, self.annotation_imports)

    def revoke_key(self, *, revoked: bool) -> None:
        """Refuses clients with the API key of the workspace, or accepts them again."""
        self.settings.set_key_revoked(revoked)
        self.key_revoked = revoked

    def find_refusal(self, url: str) -> str | None:
        """The reason why webhooks to this URL would not arrive, which is logged; None if they may. Raises BadInput."""
        refusal = self._dispatcher.find_refusal(url)
        if refusal is not None:
            LOG.warning("a webhook to %s: %s", url, refusal)
        return refusal

    def close(self) -> None:
        """Stops what runs in the workspace, and counting its files, which stay."""
        self._journals.close(self.journal)
        self.faults.close()
        self._dispatcher.detach(self.store)
        for part in self.list_created("exports", "legacy", "jobs"):
            part.close()
        self.store.close()
        self.budget.forget(self.results)
