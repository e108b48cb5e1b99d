"""The objects with the handlers of all controls, each imported when a control of it is first called."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING

from mockserver.control.control import Handler
from mockserver.control.monitoring import Monitoring
from mockserver.journal.journal import Journals
from mockserver.parts import HasParts, Part
from mockserver.settings import Settings
from mockserver.workspaces.lifecycle import Workspaces

if TYPE_CHECKING:
    from mockserver.control.controls import Controls
    from mockserver.control.faults import FaultControls
    from mockserver.control.health import HealthControl
    from mockserver.control.metrics import MetricsControl
    from mockserver.control.replicas import ReplicaControl
    from mockserver.control.requests import RequestControls
    from mockserver.control.webhooks import WebhookControls


class Handlers(HasParts):
    """The handlers of one server."""

    health: Part[HealthControl] = Part("mockserver.control.health:HealthControl", "monitoring")
    metrics: Part[MetricsControl] = Part("mockserver.control.metrics:MetricsControl", "settings workspaces monitoring")
    replicas: Part[ReplicaControl] = Part("mockserver.control.replicas:ReplicaControl", "settings workspaces")
    controls: Part[Controls] = Part("mockserver.control.controls:Controls", "settings workspaces")
    webhooks: Part[WebhookControls] = Part("mockserver.control.webhooks:WebhookControls", "controls threads")
    requests: Part[RequestControls] = Part("mockserver.control.requests:RequestControls", "controls unclaimed")
    faults: Part[FaultControls] = Part("mockserver.control.faults:FaultControls", "controls")

    def __init__(
        self,
        settings: Settings,
        workspaces: Workspaces,
        threads: Executor,
        journals: Journals,
        monitoring: Monitoring,
    ) -> None:
        super().__init__()
        self.monitoring = monitoring
        self.settings, self.workspaces, self.threads = settings, workspaces, threads
        self.unclaimed = journals.unclaimed

    def later(self, name: str) -> Callable[[], Handler]:
        """A function that finds the handler with this name, as `controls.reset`."""
        return partial(self._find, *name.split("."))

    def _find(self, part: str, method: str) -> Handler:
        handler: Handler = getattr(getattr(self, part), method)
        return handler
