"""One workspace of a running server, for a test."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from mockserver.errors import nearest
from mockserver.testing.clock import Clock
from mockserver.testing.control import Control, leave_out_none
from mockserver.testing.errors import ControlRefusedError, MockServerError
from mockserver.testing.fault import Fault
from mockserver.testing.progression import Progression
from mockserver.testing.rows import check_rows
from mockserver.testing.switches import Switches

TOPICS = (
    "LABEL_CREATED",
    "LABEL_UPDATED",
    "LABEL_DELETED",
    "REVIEW_CREATED",
    "REVIEW_UPDATED",
    "REVIEW_DELETED",
    "WORKFLOW_ACTION",
)
"""The topics of webhooks; a test compares them with those of `world.events`, whose import would be slow."""
SETTLED_WITHIN = 30
NOT_FOUND = 404
__tracebackhide__ = True  # pytest: failures show the line of the test that called, and not this module


class MockWorkspace:
    """An API key with a world of its own, which no other test sees.

    `clock`, `progression` and `switches` are objects of the classes `Clock`, `Progression` and `Switches`.
    """

    def __init__(self, control: Control, ready: dict[str, Any]) -> None:
        self._control = control
        self._ready = ready
        self.clock = Clock(control, self.api_key)
        self.progression = Progression(control, self.api_key)
        self.switches = Switches(control, self.api_key)

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return str(self._ready["url"])

    @property
    def graphql_url(self) -> str:
        """The SDK's `endpoint`."""
        return str(self._ready["graphql_url"])

    @property
    def rest_url(self) -> str:
        """The SDK's `rest_endpoint`."""
        return str(self._ready["rest_url"])

    @property
    def api_key(self) -> str:
        """The SDK's `api_key`, which is also the name of the workspace."""
        return str(self._ready["api_key"])

    @property
    def organization_id(self) -> str:
        return str(self._ready["organization_id"])

    @property
    def projects(self) -> dict[str, str]:
        """Name -> id, of those that the scenario creates."""
        return dict(self._ready["projects"])

    @property
    def datasets(self) -> dict[str, str]:
        """Name -> id, of those that the scenario creates."""
        return dict(self._ready["datasets"])

    @property
    def slices(self) -> dict[str, str]:
        """Name -> id, of those that the scenario creates."""
        return dict(self._ready["slices"])

    @property
    def model_runs(self) -> dict[str, str]:
        """Name -> id, of those that the scenario creates."""
        return dict(self._ready["model_runs"])

    def project(self, name: str) -> str:
        """The id of a project of the scenario. Raises MockServerError with the known names."""
        return _id(self.projects, name, "project")

    def dataset(self, name: str) -> str:
        """The id of a dataset of the scenario. Raises MockServerError with the known names."""
        return _id(self.datasets, name, "dataset")

    def slice(self, name: str) -> str:
        """The id of a catalog slice of the scenario. Raises MockServerError with the known names."""
        return _id(self.slices, name, "slice")

    def model_run(self, name: str) -> str:
        """The id of a model run of the scenario. Raises MockServerError with the known names."""
        return _id(self.model_runs, name, "model run")

    def expected_rows(
        self,
        project: str | None = None,
        *,
        dataset: str | None = None,
        slice: str | None = None,  # noqa: A002  the service's word
        model_run: str | None = None,
        data_rows: Sequence[str] | None = None,
        global_keys: Sequence[str] | None = None,
        catalog: bool = False,
        params: dict[str, Any] | None = None,
        filters: dict[str, Any] | None = None,
        task_id: str | None = None,
    ) -> list[dict[str, Any]]:
        """The rows that a correct client must get, from the world itself and without an export.

        The rows of a project, dataset, slice or model run (name or id), of chosen data rows (ids) or global keys, or of
        the whole `catalog`. `params` and `filters` are those of the SDK's `export`. Mask URLs contain the id of their
        export: `task_id`, by default the newest one of the same rows.
        """
        options: dict[str, Any] = {
            "project": project,
            "dataset": dataset,
            "slice": slice,
            "model_run": model_run,
            "data_rows": data_rows,
            "global_keys": global_keys,
            "catalog": catalog or None,
            "params": params,
            "filters": filters,
            "task_id": task_id,
        }
        body = leave_out_none(options)
        lines = self._control.send("POST", "expected", body, api_key=self.api_key)
        return [json.loads(line) for line in lines.splitlines()]

    def check_rows(self, rows: Iterable[Mapping[str, Any]], project: str | None = None, **scope: Any) -> None:
        """Raises WrongRowsError, an AssertionError, unless the rows of a client are the expected ones, each once.

        `scope` are the further arguments of `expected_rows`. In an exploration of faults its failure is “wrong data”,
        and not an error of the client.
        """
        received = list(rows)  # a generator exports when it is read, and mask URLs contain the id of that export
        check_rows(received, self.expected_rows(project, **scope))

    def fail_exports(self, message: str | None = None, *, data_rows: list[str] | None = None, exports: int = 1) -> None:
        """Makes the next exports fail: entirely, or only for these data rows (ids or global keys)."""
        name = "export_fails" if data_rows is None else "export_rows_fail"
        self.fault(name, message=message, data_rows=data_rows, times=exports)

    def reset(self, *, incarnation: str | None = None) -> None:
        """Resets the world to its beginning. New tasks get new ids, or those that `incarnation` fixes."""
        body = {} if incarnation is None else {"incarnation": incarnation}
        self._ready = self._control.call("POST", "reset", body, api_key=self.api_key)

    def fork(
        self,
        api_key: str | None = None,
        *,
        payload_date: str | None = None,
        switches: Mapping[str, str] | None = None,
        incarnation: str | None = None,
    ) -> MockWorkspace:
        """Creates a workspace that begins with the current world of this one; the others as in `MockServer.workspace`.

        `payload_date` and `switches` are those of this workspace, unless they are given.
        """
        options = {
            "fork_of": self.api_key, "api_key": api_key, "payload_date": payload_date,
            "switches": None if switches is None else dict(switches), "incarnation": incarnation,
        }  # fmt: skip
        body = leave_out_none(options)
        return MockWorkspace(self._control, self._control.call("POST", "workspaces", body))

    def revoke(self) -> None:
        """Revokes the API key: clients are refused from now on, while the test can still read the workspace."""
        self._control.call("POST", "key", {"revoked": True}, api_key=self.api_key)

    def restore(self) -> None:
        """Accepts the API key again."""
        self._control.call("POST", "key", {"revoked": False}, api_key=self.api_key)

    def delete(self) -> None:
        """Removes the workspace and its content; one that is gone already is no error."""
        try:
            self._control.call("DELETE", f"workspaces/{self.api_key}")
        except ControlRefusedError as error:
            if error.status != NOT_FOUND:
                raise

    def webhook(
        self,
        url: str,
        *topics: str,
        secret: str = "secret",  # noqa: S107  the secret of a test's receiver
        project: str | None = None,
        version: Literal["v1", "v2"] = "v2",
        **more: Any,
    ) -> str:
        """Subscribes a receiver, to all topics by default, and returns the webhook's id.

        Without a project (name or id) the events of the whole organization are sent. `more` are the other options of
        `POST /_mock/webhooks`: `retries`, `ordered`, `concurrency`, `timeout`, `misbehave`.
        """
        body = {"url": url, "secret": secret, "topics": list(topics or TOPICS), "version": version, **more}
        if project is not None:
            body["project"] = project
        return str(self._control.call("POST", "webhooks", body, api_key=self.api_key)["id"])

    def rotate_secret(self, webhook: str, secret: str, *, overlap: float = 86_400) -> None:
        """Gives a webhook another secret. For `overlap` seconds of the clock, every other message is signed with the
        one before."""
        body = {"secret": secret, "overlap": overlap}
        self._control.call("PATCH", f"webhooks/{webhook}", body, api_key=self.api_key)

    def event(
        self,
        event: str,
        project: str,
        *,
        data_row: str | None = None,
        label: str | None = None,
        annotations: Sequence[dict[str, Any]] | None = None,
        by: str | None = None,
        at: str | None = None,
        score: Literal[1, -1] | None = None,
        text: str | None = None,
    ) -> dict[str, Any]:
        """Triggers an event like `"LABEL_CREATED"` in a project (name or id), and returns the ids of its objects.

        Without a data row (id or global key) or label the server chooses a matching one. A label has the `annotations`,
        each as a line of an import without its data row. `by` is a user's id, email or name, `at` a date-time that the
        clock has passed, `score` that of a review, `text` that of an issue, a comment or the metadata field `tag`.
        """
        options: dict[str, Any] = {
            "event": event, "project": project, "data_row": data_row, "label": label, "by": by, "at": at,
            "score": score, "text": text, "annotations": None if annotations is None else list(annotations),
        }  # fmt: skip
        body = leave_out_none(options)
        event_ids: dict[str, Any] = self._control.call("POST", "events", body, api_key=self.api_key)
        return event_ids

    def events(self, events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Triggers many events together, all of them or none; each has the arguments of `event` as keys."""
        answer = self._control.call("POST", "events/many", {"events": list(events)}, api_key=self.api_key)
        return list(answer["events"])

    def simulate(
        self,
        days: int,
        *,
        seed: int = 0,
        projects: Sequence[str] | None = None,
        events_per_day: int | None = None,
        new_rows: int | None = None,
    ) -> dict[str, Any]:
        """Lets a team work for some days of the clock: labels, reviews, rework, issues, new data rows.

        Returns how often each event happened. The same seed in the same world makes the same events.
        """
        options: dict[str, Any] = {
            "days": days, "seed": seed, "projects": None if projects is None else list(projects),
            "events_per_day": events_per_day, "new_rows": new_rows,
        }  # fmt: skip
        body = leave_out_none(options)
        return dict(self._control.call("POST", "simulate", body, api_key=self.api_key))

    @property
    def deliveries(self) -> list[dict[str, Any]]:
        """Every delivery with its attempts, oldest first, read after no delivery is due.

        Raises MockServerError if one is still due after SETTLED_WITHIN seconds.
        """
        deliveries: list[dict[str, Any]] = []
        query = {"api_key": self.api_key, "wait": str(SETTLED_WITHIN)}
        for page in self._control.read_pages("deliveries", query):
            if not page["settled"]:
                raise MockServerError(f"Some deliveries are still not sent after {SETTLED_WITHIN} seconds")
            deliveries += page["deliveries"]
        return deliveries

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Every recorded request with its answer, oldest first (docs/journal.md)."""
        return self.find_requests()

    def find_requests(self, **filters: Any) -> list[dict[str, Any]]:
        """The recorded requests that fit the filters of `GET /_mock/requests`, oldest first.

        `find_requests(operation="project", status=200)`, `find_requests(not_understood=True)`.
        """
        after = filters.pop("after", 0)
        query = {name: _render(value) for name, value in leave_out_none(filters).items()}
        pages = self._control.read_pages("requests", {"api_key": self.api_key, **query}, after=after)
        return [request for page in pages for request in page["requests"]]

    def verify_requests(self, *expect: dict[str, Any], in_order: bool = False, only: bool = False) -> None:
        """Raises ControlRefusedError, which says what was received instead, unless all expected requests were.

        `verify_requests({"operation": "exportDataRowsInProject", "times": 1}, {"path": "/_files/*", "at_least": 1})`
        """
        body = {"expect": list(expect), "in_order": in_order, "only": only}
        self._control.call("POST", "requests/verify", body, api_key=self.api_key)

    def forget_requests(self) -> None:
        """Forgets the recorded requests; the next one is number 1."""
        self._control.call("DELETE", "requests", api_key=self.api_key)

    def fault(self, fault: str, **rule: Any) -> Fault:
        """Requests a fault by its name; it hits the next call unless the rule says otherwise (docs/faults.md).

        `fault("server_error", operation="project", status=503, times=2)`. Used as a context manager, it is removed at
        the end.
        """
        body = {"fault": fault} | leave_out_none(rule)
        return Fault(self._control, self.api_key, self._control.call("POST", "faults", body, api_key=self.api_key))

    @property
    def faults(self) -> list[dict[str, Any]]:
        """Every requested fault with its rule, and how many calls it has hit."""
        states: list[dict[str, Any]] = self._control.call("GET", "faults", api_key=self.api_key)["faults"]
        return states

    def clear_faults(self) -> None:
        """Removes all faults."""
        self._control.call("DELETE", "faults", api_key=self.api_key)


def _render(value: Any) -> str:
    """A value of a query parameter."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _id(known: dict[str, str], name: str, what: str) -> str:
    if name in known:
        return known[name]
    names = ", ".join(map(repr, nearest(name, known, most=len(known)))) or f"no {what} at all"
    raise MockServerError(f"The scenario has no {what} {name!r}; it has {names}")
