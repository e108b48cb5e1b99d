"""One shape for every client: each is a line of a table, runs as its own process, and offers the same operations."""

import json
import os
import subprocess
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, Self

from contract_tests.clients.environments import NEWEST, REPOSITORY, python_of
from contract_tests.serving import ServedWorld

# What clients call the same refusal: SDKs by their exception, plain ones by the service's code.
AUTHENTICATION_REFUSED = {
    "AUTHENTICATION_ERROR",
    "labelbox.exceptions.AuthenticationError",
    "lbox.exceptions.AuthenticationError",
}
NOT_FOUND = {
    "RESOURCE_NOT_FOUND",
    "labelbox.exceptions.ResourceNotFoundError",
    "lbox.exceptions.ResourceNotFoundError",
}


class ClientFailure(Exception):
    """An exception of a client, sent by its process: `type` is the exception's full name there."""

    def __init__(self, type: str, message: str) -> None:  # noqa: A002 (the conversation's word)
        super().__init__(f"{type}: {message}")
        self.type = type


class ClientDied(Exception):
    """A client's process ended in mid-conversation; the message carries its stderr."""


@dataclass(frozen=True)
class Program:
    """A process that converses: one of our runners on some environment's Python."""

    name: str
    runner: str
    python: Callable[[], Path]


@dataclass(frozen=True)
class ClientKind:
    """`lacks` names params and filters that this client does not know and drops in silence."""

    program: Program
    way: str
    lacks: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return f"{self.program.name}:{self.way}"


def this_python() -> Path:
    return Path(sys.executable)


def sdk(version: str) -> Program:
    return Program(f"sdk-{version}", "contract_tests.clients.sdk_runner", partial(python_of, version))


PLAIN_REQUESTS = Program("requests", "contract_tests.clients.requests_runner", this_python)
GQL = Program("gql", "contract_tests.clients.gql_runner", this_python)
CURL = Program("curl", "contract_tests.clients.curl_runner", this_python)

# What early SDKs with Export V2 know nothing of, by the version that brought it.
UNTIL_6_6 = frozenset({"slice_predictions"})
UNTIL_3_75 = UNTIL_6_6 | {"catalog_predictions"}
UNTIL_3_69 = UNTIL_3_75 | {"embeddings"}
UNTIL_3_64 = UNTIL_3_69 | {"whole_catalog", "all_projects"}
UNTIL_3_50 = UNTIL_3_64 | {"prompt_projects"}
UNTIL_3_47 = UNTIL_3_50 | {"interpolated_frames"}
UNTIL_3_44 = UNTIL_3_47 | {"datasets", "slices", "data_row_ids", "predictions"}
UNTIL_3_40 = UNTIL_3_44 | {"filters", "task_type"}

SINCE_5 = frozenset({"v1", "frames"})
"""What 5.0.0 took away."""

CLIENTS = [
    ClientKind(sdk("3.37.0"), "export_v2_url", lacks=UNTIL_3_40),
    ClientKind(sdk("3.40.1"), "export_v2", lacks=UNTIL_3_44),
    ClientKind(sdk("3.52.0"), "export_v2", lacks=UNTIL_3_64),
    ClientKind(sdk("3.56.0"), "export_v2", lacks=UNTIL_3_64),
    ClientKind(sdk("3.56.0"), "export_stream", lacks=UNTIL_3_64 | {"datasets"}),
    ClientKind(sdk("3.67.0"), "export_v2", lacks=UNTIL_3_69),
    ClientKind(sdk("3.67.0"), "export_stream", lacks=UNTIL_3_69),
    ClientKind(sdk("3.78.2"), "export_v2", lacks=UNTIL_6_6),
    ClientKind(sdk("3.78.2"), "export_stream", lacks=UNTIL_6_6),
    ClientKind(sdk("3.78.2"), "export", lacks=UNTIL_6_6),
    ClientKind(sdk("5.2.1"), "export_v2", lacks=SINCE_5 | UNTIL_6_6),
    ClientKind(sdk("5.2.1"), "export_stream", lacks=SINCE_5 | UNTIL_6_6),
    ClientKind(sdk("5.2.1"), "export", lacks=SINCE_5 | UNTIL_6_6),
    ClientKind(sdk("6.0.0"), "export", lacks=SINCE_5 | UNTIL_6_6),
    ClientKind(sdk("6.10.0"), "export_v2", lacks=SINCE_5),
    ClientKind(sdk("6.10.0"), "export", lacks=SINCE_5),
    ClientKind(sdk(NEWEST), "export", lacks=SINCE_5),
    ClientKind(sdk(NEWEST), "export_v2", lacks=SINCE_5),
    ClientKind(PLAIN_REQUESTS, "streamable"),
    ClientKind(PLAIN_REQUESTS, "by_line"),
    ClientKind(PLAIN_REQUESTS, "result_url"),
    ClientKind(GQL, "streamable"),
    ClientKind(CURL, "rest"),
]

UNTIL_3_37 = frozenset({"last_activity_start", "last_activity_end"})
LEGACY = [
    ClientKind(sdk("3.24.1"), "v1", lacks=UNTIL_3_37 | {"seconds"}),
    ClientKind(sdk("3.30.1"), "v1", lacks=UNTIL_3_37),
    ClientKind(sdk("3.36.1"), "v1", lacks=UNTIL_3_37),
    ClientKind(sdk("3.40.1"), "v1", lacks=frozenset({"last_activity_end"})),
    ClientKind(sdk("3.52.0"), "v1"),
    ClientKind(sdk("3.78.2"), "v1"),
    ClientKind(sdk("4.0.0"), "v1"),
]
"""SDKs with Export V1, which ended with 4.0.0; early ones drop filters they do not know."""


@dataclass(frozen=True)
class Exported:
    rows: list[dict[str, Any]]
    errors: list[Any] | None
    task_id: str
    task: dict[str, Any]


@dataclass(frozen=True)
class Client:
    """One client and one of its ways, bound to a server and a key."""

    process: "RunningProgram"
    way: str
    graphql_url: str
    rest_url: str
    api_key: str
    lacks: frozenset[str] = frozenset()

    def with_key(self, api_key: str) -> Self:
        return replace(self, api_key=api_key)

    def export_project(
        self,
        project_id: str,
        params: dict[str, bool] | None = None,
        filters: dict[str, list[str]] | None = None,
        task_name: str | None = None,
    ) -> Exported:
        answer = self._call(
            "export_project",
            way=self.way,
            project_id=project_id,
            params=params or {},
            filters=filters or {},
            task_name=task_name,
        )
        return Exported(**answer)

    def read_ontology(self, project_id: str) -> dict[str, Any]:
        """The project's media type, tools and classifications, as objects of the SDK have them."""
        return self._call("read_ontology", project_id=project_id)

    def read_issues(self, project_id: str, **where: object) -> dict[str, Any]:
        """The issues that a search finds, in lists and alone, and how many the project has."""
        return self._call("read_issues", project_id=project_id, where=where)

    def read(self, question: str, **arguments: object) -> Any:
        """The answer to one of the questions of `sdk_reads`."""
        return self._call("read", question=question, arguments=arguments)["answer"]

    def export_catalog(
        self,
        dataset_id: str | None = None,
        data_row_ids: list[str] | None = None,
        params: dict[str, Any] | None = None,
        filters: dict[str, list[str]] | None = None,
    ) -> Exported:
        """A dataset, chosen data rows, or without both everything."""
        answer = self._call(
            "export_catalog",
            way=self.way,
            dataset_id=dataset_id,
            data_row_ids=data_row_ids,
            params=params or {},
            filters=filters or {},
        )
        return Exported(**answer)

    def webhooks(self, operation: str, **arguments: object) -> dict[str, Any]:
        """`create`, `update` or `delete` a webhook: its facts as the client sees them."""
        return self._call(f"{operation}_webhook", **arguments)

    def list_webhooks(self, project_id: str | None = None) -> list[dict[str, Any]]:
        webhooks: list[dict[str, Any]] = self._call("list_webhooks", project_id=project_id)["webhooks"]
        return webhooks

    def legacy(self, operation: str, **arguments: object) -> dict[str, Any]:
        """One of the operations of sdk_legacy.py."""
        return self._call(operation, **arguments)

    def export_slice(self, slice_id: str, params: dict[str, Any] | None = None) -> Exported:
        return Exported(**self._call("export_slice", way=self.way, slice_id=slice_id, params=params or {}))

    def export_model_run(self, model_run_id: str, params: dict[str, Any] | None = None) -> Exported:
        arguments = {"way": self.way, "model_run_id": model_run_id, "params": params or {}}
        return Exported(**self._call("export_model_run", **arguments))

    def _call(self, operation: str, **arguments: object) -> dict[str, Any]:
        server = {"graphql_url": self.graphql_url, "rest_url": self.rest_url, "api_key": self.api_key}
        answer = self.process.call(operation, {**server, **arguments})
        if "error" in answer:
            raise ClientFailure(**answer["error"])
        return answer


class RunningProgram:
    def __init__(self, program: Program) -> None:
        self._program = program
        command = [str(program.python()), "-m", program.runner]
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            text=True,
            encoding="utf-8",
        )

    def call(self, operation: str, arguments: dict[str, object]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"op": operation, "args": arguments}) + "\n")
            self._process.stdin.flush()
            answer: dict[str, Any] = json.loads(self._process.stdout.readline() or self._die())
        except BrokenPipeError:
            self._die()
        return answer

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._stderr.close()

    def _die(self) -> NoReturn:
        self._process.wait()
        self._stderr.seek(0)
        stderr = self._stderr.read().decode(errors="replace")
        raise ClientDied(f"{self._program.name} ended with {self._process.returncode}. Its stderr:\n{stderr}")


class RunningPrograms:
    """Programs, started when they are first used. Few stay alive, as an SDK takes 2 s to import and 100 MB to hold."""

    AT_MOST = 3

    def __init__(self) -> None:
        self._running: OrderedDict[str, RunningProgram] = OrderedDict()

    def client(self, kind: ClientKind, server: ServedWorld) -> Client:
        process = self._get_program(kind.program)
        return Client(process, kind.way, server.graphql_url, server.rest_url, server.api_key, kind.lacks)

    def close(self) -> None:
        while self._running:
            self._running.popitem()[1].close()

    def _get_program(self, program: Program) -> RunningProgram:
        if program.name not in self._running:
            if len(self._running) == self.AT_MOST:
                self._running.popitem(last=False)[1].close()
            self._running[program.name] = RunningProgram(program)
        self._running.move_to_end(program.name)
        return self._running[program.name]
