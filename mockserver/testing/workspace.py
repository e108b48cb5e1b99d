"""One workspace of a running server, as a test holds it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from mockserver.errors import nearest
from mockserver.testing.control import Control
from mockserver.testing.errors import MockServerError

Pace = Literal["at_once"] | dict[str, float]
"""`"at_once"`, `{"looks": n}` or `{"seconds": t}`."""

TOPICS = (
    "LABEL_CREATED",
    "LABEL_UPDATED",
    "LABEL_DELETED",
    "REVIEW_CREATED",
    "REVIEW_UPDATED",
    "REVIEW_DELETED",
    "WORKFLOW_ACTION",
)
"""Everything that a webhook can be told."""
SETTLED_WITHIN = 30


class MockWorkspace:
    """An API key with a world of its own. Whatever a test does in it, no other test sees."""

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
        return str(self._ready["api_key"])

    @property
    def organization_id(self) -> str:
        return str(self._ready["organization_id"])

    @property
    def projects(self) -> dict[str, str]:
        """Name -> id, as the scenario made them."""
        return dict(self._ready["projects"])

    @property
    def datasets(self) -> dict[str, str]:
        """Name -> id, as the scenario made them."""
        return dict(self._ready["datasets"])

    @property
    def slices(self) -> dict[str, str]:
        """Name -> id, as the scenario made them."""
        return dict(self._ready["slices"])

    @property
    def model_runs(self) -> dict[str, str]:
        """Name -> id, as the scenario made them."""
        return dict(self._ready["model_runs"])

    def project(self, name: str) -> str:
        """The id of a project of the scenario. Raises MockServerError naming those there are."""
        return _id(self.projects, name, "project")

    def dataset(self, name: str) -> str:
        """The id of a dataset of the scenario. Raises MockServerError naming those there are."""
        return _id(self.datasets, name, "dataset")

    def slice(self, name: str) -> str:
        """The id of a catalog slice of the scenario. Raises MockServerError naming those there are."""
        return _id(self.slices, name, "slice")

    def model_run(self, name: str) -> str:
        """The id of a model run of the scenario. Raises MockServerError naming those there are."""
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
        """What a correct client must get, from the world itself and without an export.

        Of a project, dataset, slice or model run (name or id), of chosen data rows (ids) or global keys, or of the
        whole `catalog`. `params` and `filters` as the `export` of each takes them in the SDK. Mask URLs carry the id of
        the export they belong to: `task_id` names it; by default it is the newest of the same.
        """
        asked: dict[str, Any] = {
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
        body = {name: value for name, value in asked.items() if value is not None}
        lines = self._control.send("POST", "expected", body, api_key=self.api_key)
        return [json.loads(line) for line in lines.splitlines()]

    def fail_exports(self, message: str | None = None, *, data_rows: list[str] | None = None, exports: int = 1) -> None:
        """Let the next exports fail: as a whole, or of these data rows (ids or global keys) only."""
        given = {"message": message, "data_rows": data_rows, "exports": exports}
        body = {name: value for name, value in given.items() if value is not None}
        self._control.call("POST", "failures", body, api_key=self.api_key)

    def reset(self) -> None:
        """The world as it was made; ids of tasks never come again."""
        self._ready = self._control.call("POST", "reset", {}, api_key=self.api_key)

    def fork(self, api_key: str | None = None) -> MockWorkspace:
        """A workspace of its own that begins with this one's world as it is now."""
        body = {"fork_of": self.api_key} | ({} if api_key is None else {"api_key": api_key})
        return MockWorkspace(self._control, self._control.call("POST", "workspaces", body))

    def delete(self) -> None:
        """Remove it and everything in it."""
        self._control.call("DELETE", f"workspaces/{self.api_key}")

    def webhook(
        self,
        url: str,
        *topics: str,
        secret: str = "secret",  # noqa: S107  a receiver of a test needs one, and nothing hangs on it
        project: str | None = None,
        version: Literal["v1", "v2"] = "v2",
        **more: Any,
    ) -> str:
        """Subscribe a receiver, to everything unless `topics` are named; the webhook's id.

        Without a project (name or id) it is told of the whole organization. `more` is what `POST /_mock/webhooks` takes
        besides: `retries`, `ordered`, `concurrency`, `timeout`, `misbehave`.
        """
        body = {"url": url, "secret": secret, "topics": list(topics or TOPICS), "version": version, **more}
        if project is not None:
            body["project"] = project
        return str(self._control.call("POST", "webhooks", body, api_key=self.api_key)["id"])

    def event(
        self, event: str, project: str, *, data_row: str | None = None, label: str | None = None
    ) -> dict[str, Any]:
        """Make something happen, like `"LABEL_CREATED"`, in a project (name or id); the ids of what it happened to.

        Without a data row (id or global key) or label the server chooses one that fits.
        """
        asked = {"event": event, "project": project, "data_row": data_row, "label": label}
        body = {name: value for name, value in asked.items() if value is not None}
        made: dict[str, Any] = self._control.call("POST", "events", body, api_key=self.api_key)
        return made

    @property
    def deliveries(self) -> list[dict[str, Any]]:
        """Every delivery with its attempts, oldest first, read once nothing is due any more.

        Raises MockServerError when something still is after SETTLED_WITHIN seconds.
        """
        found: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            query = {"api_key": self.api_key, "after": str(after), "wait": str(SETTLED_WITHIN)}
            page = self._control.call("GET", "deliveries", **query)
            if not page["settled"]:
                raise MockServerError(f"Deliveries are still on their way after {SETTLED_WITHIN} seconds")
            found += page["deliveries"]
            after = page["next_after"]
        return found

    @property
    def requests(self) -> Any:
        raise MockServerError("The journal of requests is not served yet")

    def fault(self, *_rule: Any, **_options: Any) -> Any:
        raise MockServerError("Faults are not served yet")


class Clock:
    """The workspace's time."""

    def __init__(self, control: Control, api_key: str) -> None:
        self._control, self._api_key = control, api_key

    @property
    def now(self) -> str:
        """ISO 8601 with milliseconds, UTC."""
        return str(self._control.call("GET", "clock", api_key=self._api_key)["now"])

    @property
    def frozen(self) -> bool:
        return bool(self._control.call("GET", "clock", api_key=self._api_key)["frozen"])

    def set(self, moment: str) -> str:
        """Jump to an ISO moment; what the clock shows then."""
        return self._move({"set": moment})

    def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> str:
        """Let time pass without waiting; what the clock shows then."""
        return self._move({"advance": seconds + 60 * minutes + 3600 * hours + 86_400 * days})

    def freeze(self) -> str:
        return self._move({"freeze": True})

    def thaw(self) -> str:
        return self._move({"freeze": False})

    def _move(self, body: dict[str, Any]) -> str:
        return str(self._control.call("POST", "clock", body, api_key=self._api_key)["now"])


class Progression:
    """How fast asynchronous things look: set a pace, and what is started from then on has it."""

    def __init__(self, control: Control, api_key: str) -> None:
        self._control, self._api_key = control, api_key

    def set(self, **paces: Pace) -> None:
        """`set(exports={"looks": 2})`."""
        self._control.call("POST", "progression", paces, api_key=self._api_key)

    @property
    def exports(self) -> Pace:
        return self._get("exports")

    @exports.setter
    def exports(self, pace: Pace) -> None:
        self.set(exports=pace)

    @property
    def processing(self) -> Pace:
        return self._get("processing")

    @processing.setter
    def processing(self, pace: Pace) -> None:
        self.set(processing=pace)

    def _get(self, name: str) -> Pace:
        pace: Pace = self._control.call("GET", "progression", api_key=self._api_key)[name]
        return pace


class Switches:
    """Which of several known forms of the service's behaviour the workspace imitates (docs/control.md)."""

    def __init__(self, control: Control, api_key: str) -> None:
        self._control, self._api_key = control, api_key

    def set(self, **forms: str) -> dict[str, str]:
        """`set(frames="direct")`; all switches as they stand then."""
        found: dict[str, str] = self._control.call("POST", "switches", forms, api_key=self._api_key)
        return found

    def get(self) -> dict[str, str]:
        """All switches by name."""
        found: dict[str, str] = self._control.call("GET", "switches", api_key=self._api_key)
        return found


def _id(known: dict[str, str], name: str, what: str) -> str:
    if name in known:
        return known[name]
    names = ", ".join(map(repr, nearest(name, known, most=len(known)))) or f"no {what} at all"
    raise MockServerError(f"The scenario has no {what} {name!r}; it has {names}")
