"""Requests of the writing side: documents from the schema, and answers that are judged."""

from collections import defaultdict
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
import requests
from graphql import GraphQLField, GraphQLNonNull, GraphQLObjectType, build_schema, get_named_type, is_leaf_type

from contract_tests.rules.api.asking import LONG_PATIENCE
from contract_tests.rules.api.writes.populated import Populated
from contract_tests.rules.api.writes.tables import Rows, open_tables
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for
from mockserver.api.graphql.schema import read_sdl
from mockserver.world.postgres.tables import list_tables

SCHEMA = build_schema(read_sdl(), assume_valid=True)
BELOW = "project."
[WORKSPACE] = [table for table in list_tables() if table.name == "workspace"]


def find_field(name: str) -> GraphQLField:
    kind = SCHEMA.type_map["ProjectChanges" if name.startswith(BELOW) else "Mutation"]
    assert isinstance(kind, GraphQLObjectType)
    field: GraphQLField = kind.fields[name.removeprefix(BELOW)]
    return field


def list_mutations() -> set[str]:
    """The names of all mutations, those below `project` behind its name."""
    root, below = SCHEMA.type_map["Mutation"], SCHEMA.type_map["ProjectChanges"]
    assert isinstance(root, GraphQLObjectType)
    assert isinstance(below, GraphQLObjectType)
    return set(root.fields) - {"project"} | {BELOW + name for name in below.fields}


def select_leaves(kind: Any, depth: int = 0) -> str:
    """All fields of an object that have nothing below them, and some objects with theirs."""
    plain = get_named_type(kind)
    if is_leaf_type(plain):
        return ""
    if not isinstance(plain, GraphQLObjectType):
        return "{__typename}"
    parts = []
    for name, field in plain.fields.items():
        if any(isinstance(argument.type, GraphQLNonNull) for argument in field.args.values()):
            continue
        if is_leaf_type(get_named_type(field.type)):
            parts.append(name)
        elif depth < 1 and isinstance(get_named_type(field.type), GraphQLObjectType) and not field.args:
            parts.append(name + select_leaves(field.type, depth + 1))
    return "{" + " ".join(parts or ["__typename"]) + "}"


def build_document(name: str, arguments: dict[str, Any]) -> str:
    """The mutation with its arguments as variables."""
    field = find_field(name)
    passed = ", ".join(f"{key}: ${key}" for key in arguments)
    call = f"{name.removeprefix(BELOW)}{f'({passed})' if passed else ''}{select_leaves(field.type)}"
    declared = ", ".join(f"${key}: {field.args[key].type}" for key in arguments)
    if name.startswith(BELOW):
        declared = f"$of: ID!, {declared}" if declared else "$of: ID!"
        call = f"project(where: {{id: $of}}) {{{call}}}"
    return f"mutation{f'({declared})' if declared else ''} {{{call}}}"


class Answer(NamedTuple):
    """The messages of a refusal, none if the request was taken, and the server's processor time in seconds."""

    messages: list[str]
    seconds: float


class Writer:
    """A client of one workspace, a fork of a populated one, that also reads its database."""

    def __init__(self, server: ServedWorld, origin: Populated) -> None:
        self._server, self._origin = server, origin
        self.workspace = origin.workspace.fork()
        self.world = Populated(self.workspace, origin.ids)
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {self.workspace.api_key}"
        self._open_tables()

    def close(self) -> None:
        self._session.close()
        self._tables.close()
        self.workspace.delete()

    def reset(self) -> None:
        """Resets the workspace to what it was forked from."""
        self.workspace.reset()
        self._tables.close()
        self._open_tables()

    def _open_tables(self) -> None:
        self._tables = open_tables(self._server, self.workspace.api_key)
        self._known: tuple[int, Rows] | None = None

    def send(self, name: str, arguments: dict[str, Any]) -> Answer:
        """Sends a mutation, or a request of the name of REST."""
        before = self._server.processor_seconds()
        answer = self.send_rest(name, arguments) if " " in name else self.send_mutation(name, arguments)
        seconds = self._server.processor_seconds() - before
        assert answer.status_code < 500, (arguments, answer.text)
        assert "MOCKSERVER_BUG" not in answer.text, (arguments, answer.text)
        document = orjson.loads(answer.content or b"{}")
        errors = [document] if "message" in document else document.get("errors") or []
        return Answer([error["message"] for error in errors], seconds)

    def send_mutation(self, name: str, arguments: dict[str, Any]) -> requests.Response:
        variables = arguments | ({"of": self.world["project"]} if name.startswith(BELOW) else {})
        body = orjson.dumps({"query": build_document(name, arguments), "variables": variables})
        return self._session.post(self.workspace.graphql_url, data=body, timeout=LONG_PATIENCE)

    def send_rest(self, name: str, arguments: dict[str, Any]) -> requests.Response:
        """Sends a request named like its route, whose parameters are arguments, and its body is one."""
        method, template = name.split(" ")
        names = {key: quote(str(value), safe="") for key, value in arguments.items()}
        path = template.format_map(defaultdict(str, names))
        body = arguments.get("body", b"")
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        return self._session.request(method, self.workspace.url + path, data=data, timeout=LONG_PATIENCE)

    def dump(self) -> Rows:
        """All rows of the database, once no task runs, without the number of ids that were given: a refused request
        may use some. They are read again only if something was committed."""
        if self._known is not None and self._known[0] == self._tables.read_version():
            return self._known[1]
        wait_for(self._count_running, lambda running: running == 0)
        version = self._tables.read_version()
        rows = {table.name: self._tables.read_table(table.name) for table in list_tables()}
        [workspace] = rows["workspace"]
        sequence = WORKSPACE.columns.index("sequence")
        rows["workspace"] = [(*workspace[:sequence], *workspace[sequence + 1 :])]
        self._known = version, rows
        return rows

    def _count_running(self) -> int:
        return sum("IN_PROGRESS" in row for row in self._tables.read_table("task"))
