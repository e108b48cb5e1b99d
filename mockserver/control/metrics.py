"""The numbers of a server in the text format of Prometheus (prometheus.io/docs/instrumenting/exposition_formats).

No client, no key and no name of a workspace is in them: the labels have few values, whatever clients do.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request

from mockserver import __version__
from mockserver.control.monitoring import Monitoring
from mockserver.errors import WireError
from mockserver.settings import Settings
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.world.queries.totals import count_deliveries, count_exports, count_legacy_exports
from mockserver.world.records.tasks import TaskStatus
from mockserver.world.records.webhooks import DeliveryState

MEGABYTE = 1024 * 1024
Labels = tuple[tuple[str, str], ...]


class Metric(NamedTuple):
    """A metric with its samples, by their labels."""

    name: str
    kind: str
    help: str
    samples: Mapping[Labels, float]


class MetricsControl:
    """Counts when it is called: between two calls nothing is kept but the requests."""

    def __init__(self, settings: Settings, workspaces: Workspaces, monitoring: Monitoring) -> None:
        self._settings, self._workspaces, self._monitoring = settings, workspaces, monitoring

    def metrics(self, _request: Request, _body: None) -> str:
        """Returns the numbers of the server in the text format of Prometheus."""
        metrics = [*self._list_requests(), *self._list_work(), *self._list_sizes(), *list_process()]
        return "".join(map(render, metrics))

    def _list_requests(self) -> Iterator[Metric]:
        counts = self._monitoring.requests
        answered = {_label(operation=kind, status=status): n for (kind, status), n in counts.answered.copy().items()}
        yield Metric("mockserver_requests_total", "counter", "Requests by class and status.", answered)
        seconds = {_label(operation=kind): total for kind, total in counts.seconds.copy().items()}
        yield Metric("mockserver_request_seconds_total", "counter", "Time until their answers were sent.", seconds)

    def _list_work(self) -> Iterator[Metric]:
        """The exports and deliveries of all workspaces. One that is deleted in the meantime is left out."""
        exports: Counter[Labels] = Counter()
        deliveries: Counter[Labels] = Counter()
        for version in ("v1", "v2"):
            exports.update({_label(version=version, status=status): 0 for status in TaskStatus})
        deliveries.update({_label(state=state): 0 for state in DeliveryState})
        for workspace in self._workspaces.registry.all():
            with contextlib.suppress(WireError), workspace.store.reading() as connection:
                for version, count in (("v1", count_legacy_exports), ("v2", count_exports)):
                    for status, number in count(connection).items():
                        exports[_label(version=version, status=status)] += number
                for state, number in count_deliveries(connection).items():
                    deliveries[_label(state=state)] += number
        yield Metric("mockserver_exports", "gauge", "Exports on record by format and status.", exports)
        yield Metric("mockserver_deliveries", "gauge", "Webhook messages by state; PENDING ones wait.", deliveries)

    def _list_sizes(self) -> Iterator[Metric]:
        settings, workspaces = self._settings, self._workspaces
        for name, help_text, number in (
            ("workspaces", "Workspaces, those of other servers of the database included.", workspaces.count()),
            ("workspaces_open", "Workspaces that this server has opened.", len(workspaces.registry.keys())),
            ("servers", "Living servers that share the state.", workspaces.count_servers()),
            ("workspaces_limit", "Workspaces that may be kept.", settings.workspaces_limit),
            ("results_bytes", "Bytes of results and uploads.", workspaces.results_bytes),
            ("results_limit_bytes", "Bytes that results and uploads may have.", settings.results_limit * MEGABYTE),
        ):
            yield Metric(f"mockserver_{name}", "gauge", help_text, {(): number})
        swept: Mapping[Labels, float] = {(): workspaces.swept}
        yield Metric("mockserver_workspaces_swept_total", "counter", "Idle workspaces that were deleted.", swept)
        began = self._monitoring.requests.since
        yield Metric("process_start_time_seconds", "gauge", "The start, in seconds since 1970.", {(): began})
        yield Metric("mockserver_info", "gauge", "The version of the server.", {_label(version=__version__): 1})


def list_process() -> Iterator[Metric]:
    """The numbers of the process under the names that Prometheus has for them; memory and files only on Linux."""
    times = os.times()
    yield Metric("process_cpu_seconds_total", "counter", "Processor time.", {(): times.user + times.system})
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        resident = pages * os.sysconf("SC_PAGE_SIZE")
        yield Metric("process_resident_memory_bytes", "gauge", "Memory.", {(): resident})
        files = sum(1 for _ in Path("/proc/self/fd").iterdir())
        yield Metric("process_open_fds", "gauge", "Open files.", {(): files})


def _label(**values: str) -> Labels:
    return tuple(values.items())


def render(metric: Metric) -> str:
    """The lines of one metric."""
    lines = [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
    for labels, number in sorted(metric.samples.items()):
        names = ",".join(f'{name}="{value}"' for name, value in labels)
        lines.append(f"{metric.name}{{{names}}} {number:.10g}" if names else f"{metric.name} {number:.16g}")
    return "\n".join(lines) + "\n"
