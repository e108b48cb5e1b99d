"""One API key's world and the parts that serve it, for one life: a reset makes a new one."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from mockserver.exports.budget import Budget
from mockserver.exports.legacy.files import LegacyFiles
from mockserver.exports.tasks import Exports
from mockserver.links import Links
from mockserver.webhooks.dispatcher import Dispatcher
from mockserver.webhooks.outbox import OutboxWriter
from mockserver.workspaces.long_changes import LongChanges
from mockserver.workspaces.manifest import WorkspaceManifest
from mockserver.workspaces.storage import Stored
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.changes.deliveries import Deliveries
from mockserver.world.changes.issues import IssueChanges
from mockserver.world.changes.labels import LabelChanges
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.changes.tasks import TaskChanges
from mockserver.world.ids import digest
from mockserver.world.progression import progress
from mockserver.world.store import Hooks, Store
from mockserver.world.workspace import Workspace as World

MOST_QUESTIONS = 10_000
"""Questions about processing whose first asking is remembered, for one workspace; the oldest are forgotten."""


class Parts(NamedTuple):
    """What all workspaces of a server share. `url` is scheme and host of the URLs in webhook bodies."""

    threads: ThreadPoolExecutor
    space: Budget
    dispatcher: Dispatcher
    url: str


def store_hooks(manifest: WorkspaceManifest, parts: Parts) -> Hooks:
    """The hooks that a workspace's store is opened with: messages of webhooks are written, and then sent."""
    writer = OutboxWriter(Links.from_secret(manifest.secret), parts.url)
    return Hooks(writer.before_commit, parts.dispatcher.wake)


class Workspace:
    """Serves one world until it is closed."""

    def __init__(self, store: Store, stored: Stored, parts: Parts) -> None:
        folder = stored.folder
        self.store = store
        self.stored = stored
        self.folder = folder
        self.world: World = store.workspace
        self.api_key = self.world.name
        self.links = Links.from_secret(stored.manifest.secret)
        self.exports = Exports(store, self.links, folder / "results", parts.threads, parts.space)
        self.legacy = LegacyFiles(store, self.links, folder / "legacy", parts.threads, parts.space)
        self.long_changes = LongChanges()
        self.settings = WorkspaceSettings(store)
        self.catalog = CatalogChanges(store)
        self.labels = LabelChanges(store)
        self.issues = IssueChanges(store)
        self.tasks = TaskChanges(store)
        self.deliveries = Deliveries(store)
        self.outbox_writer = OutboxWriter(self.links, parts.url)
        self._dispatcher = parts.dispatcher
        self._dispatcher.attach(self.deliveries)
        self._questions: OrderedDict[bytes, Asked] = OrderedDict()

    def processed(self, question: str, *, since: int | None = None) -> bool:
        """Whether what `question` asks about is done, as the pace of processing lets it be seen.

        Without a start of its own, given in microseconds UTC, it began when it was first asked about.
        """
        pace = self.settings.progression.processing
        if pace == "at_once":
            return True
        now = self.store.clock.now()
        name = digest(question)
        asked = self._questions.get(name, Asked(now if since is None else since, 0))
        if progress(pace, polls=asked.looks, elapsed=now - asked.since) >= 1:
            return True
        self._questions[name] = Asked(asked.since, asked.looks + 1)
        if len(self._questions) > MOST_QUESTIONS:
            self._questions.popitem(last=False)
        return False

    def close(self) -> None:
        """Stop what runs in it. Its files stay."""
        self._dispatcher.detach(self.store)
        self.exports.close()
        self.legacy.close()
        self.store.close()


class Asked(NamedTuple):
    """When a question about processing was first asked, in microseconds UTC, and how often since."""

    since: int
    looks: int
