"""`serve --state postgresql://…`: what a server begins with, what stays, and what happens without the database."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from contract_tests.databases import create_database
from contract_tests.postgres import PrivateCluster
from contract_tests.rules.commands.starting import ready, run, serve_in
from contract_tests.rules.world.test_migrations import list_removals
from contract_tests.serving import ServedWorld
from contract_tests.waiting import PATIENCE, wait_for
from mockserver.testing import ControlRefusedError
from mockserver.world.migrations import CHECKSUMS
from mockserver.world.postgres.tables import DATA, WORLD, drop_views

WITHIN = 60.0
"""Seconds within which a server notices what happens to its database."""
EXPORT = """mutation ($id: ID!) { exportDataRowsInProject(input: {filters: {projectId: $id, searchQuery: {scope: null,
query: []}}, params: {}, streamable: true}) { taskId } }"""
FILE = """query ($id: ID!) { task(where: {id: $id}) { status exportFileFromOffset(streamType: RESULT, offset: 0) {
file } } }"""


def serve(dsn: str, *arguments: str, scenario: str = "empty", **options: Any) -> ServedWorld:
    return ServedWorld("--state", dsn, *arguments, scenario=scenario, **options)


def get_refusal(dsn: str, *arguments: str) -> str:
    """The one line with which a server on this database ends."""
    ended = run("serve", "--port", "0", "--state", dsn, "--scenario", "empty", *arguments)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1), ended.stderr
    return ended.stderr


@contextlib.contextmanager
def connect(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as raw:
        yield raw


def health(world: ServedWorld) -> tuple[int, str]:
    answer = requests.get(f"{world.url}/_mock/health", timeout=PATIENCE)
    return answer.status_code, answer.text


# Keeping


def test_everything_that_was_acknowledged_is_there_after_a_kill_and_a_restart() -> None:
    dsn = create_database()
    with serve(dsn, scenario="default", popen=subprocess.Popen) as world:
        own = world.workspace(scenario="empty", api_key="kept")
        created = world.ask('mutation { createProject(data: {name: "kept"}) { id } }')["createProject"]["id"]
        task = world.ask(EXPORT, id=world.projects["image"])["exportDataRowsInProject"]["taskId"]
        task_file = find_file(world, task)
        content = requests.get(task_file, timeout=PATIENCE).content
        own.fork("fork")
        own.revoke()
        world.process.kill()
    with serve(dsn, "--api-key", "other") as world:
        control = world.control
        assert set(control.call("GET", "workspaces")["api_keys"]) == {"mock-api-key", "kept", "fork", "other"}
        assert control.call("GET", "key", api_key="kept")["revoked"] is True
        assert control.call("GET", "ready", api_key="mock-api-key")["projects"]["kept"] == created
        kept_file = f"{world.url}/{task_file.partition('://')[2].partition('/')[2]}"
        assert requests.get(kept_file, timeout=PATIENCE).content == content != b""


def find_file(world: ServedWorld, task: str) -> str:
    urls: list[str] = []

    def is_complete() -> bool:
        answer = world.ask(FILE, id=task)["task"]
        if answer["status"] == "COMPLETE":
            urls.append(answer["exportFileFromOffset"]["file"])
        return bool(urls)

    wait_for(is_complete)
    return urls[0]


def test_several_servers_share_a_database_and_each_serves_its_workspaces() -> None:
    dsn = create_database()
    with serve(dsn) as first, serve(dsn, "--api-key", "second") as second:
        assert (health(first)[0], health(second)[0]) == (200, 200)
        of_first, of_second = first.workspace(api_key="a"), second.workspace(api_key="b")
        assert first.control.call("GET", "workspaces") == second.control.call("GET", "workspaces")
        assert set(first.control.call("GET", "workspaces")["api_keys"]) == {"mock-api-key", "second", "a", "b"}
        assert of_first.api_key != of_second.api_key


def test_a_server_that_was_stopped_and_replaced_passes_requests_on_when_it_wakes() -> None:
    dsn = create_database()
    create = 'mutation { createProject(data: {name: "%s"}) { id } }'
    with serve(dsn, popen=subprocess.Popen) as zombie, serve(dsn) as successor:
        zombie.ask(create % "first")
        os.kill(zombie.ready["pid"], signal.SIGSTOP)
        wait_for(lambda: can_ask(successor, create % "second"))
        os.kill(zombie.ready["pid"], signal.SIGCONT)
        zombie.ask(create % "third")
        assert health(zombie)[0] == 200
        for world in (zombie, successor):
            names = {project["name"] for project in world.ask("{ projects { name } }")["projects"]}
            assert names >= {"first", "second", "third"}


def can_ask(world: ServedWorld, query: str) -> bool:
    """Whether a request with the key of the world is answered."""
    headers = {"Authorization": f"Bearer {world.api_key}"}
    answer = requests.post(world.graphql_url, json={"query": query}, headers=headers, timeout=PATIENCE).json()
    return "data" in answer and "errors" not in answer


def cut_connections(dsn: str, name: str) -> None:
    """Ends the connections of servers to this database that have this name."""
    with connect(dsn) as raw:
        raw.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE application_name = %s AND datname = current_database()",
            [name],
        )


def ask_for_error(world: ServedWorld, query: str, **variables: object) -> Any:
    """The error of a request that is refused."""
    body = {"query": query, "variables": variables}
    headers = {"Authorization": f"Bearer {world.api_key}"}
    answer = requests.post(world.graphql_url, json=body, headers=headers, timeout=PATIENCE).json()
    return answer["errors"][0]


def test_first_requests_that_come_together_are_all_answered() -> None:
    """Each is answered in a thread of its own, and what is imported and built for the first one is built once."""
    clients, documents = 16, ("{ user { email } }", "{ projects { id name } }", "{ datasets { id } }")
    with serve(create_database()) as world, ThreadPoolExecutor(clients) as threads:
        together = threading.Barrier(clients)

        def ask(number: int) -> Any:
            together.wait()
            return world.ask(documents[number % len(documents)])

        assert len([answer for answer in threads.map(ask, range(clients)) if answer]) == clients


# What a server begins with


def test_a_database_with_other_tables_keeps_them() -> None:
    dsn = create_database()
    with connect(dsn) as raw:
        raw.execute("CREATE TABLE label (theirs TEXT); INSERT INTO label VALUES ('1')")
    with serve(dsn) as world:
        assert world.ask("{ projects { id } }") == {"projects": []}
    with connect(dsn) as raw:
        assert raw.execute("SELECT theirs FROM public.label").fetchall() == [("1",)]


@pytest.mark.parametrize("schema", [DATA, WORLD])
def test_a_schema_of_somebody_else_is_refused_and_left_as_it_is(schema: str) -> None:
    dsn = create_database()
    with connect(dsn) as raw:
        raw.execute(f"CREATE SCHEMA {schema}".encode())
    assert f"a schema '{schema}' that mockserver has not created; give another database" in get_refusal(dsn)
    with connect(dsn) as raw:
        assert raw.execute("SELECT count(*) FROM pg_tables WHERE schemaname LIKE 'mockserver%'").fetchone() == (0,)


@pytest.mark.parametrize(("version", "message"), [(99, "by a newer version"), (1, "by another version")])
def test_the_database_of_a_version_that_cannot_be_read_is_refused(version: int, message: str) -> None:
    dsn = create_database()
    with serve(dsn):
        pass
    with connect(dsn) as raw:
        raw.execute(f"UPDATE {DATA}.state SET format = {version}, written_by = '9.9'".encode())
    refusal = get_refusal(dsn)
    assert message in refusal
    assert f"(9.9, format {version})" in refusal


def test_the_database_of_an_older_version_is_migrated_with_its_worlds() -> None:
    dsn = create_database()
    with serve(dsn) as world:
        world.ask('mutation { createProject(data: {name: "older"}) { id } }')
    with connect(dsn) as raw:
        make_older(raw)
    with serve(dsn) as world:
        assert list(world.projects) == ["older"]
        world.ask('mutation { createProject(data: {name: "newer"}) { id } }')


def make_older(raw: psycopg.Connection) -> None:
    """Makes the tables those of format 2."""
    raw.execute(drop_views().encode(), prepare=False)
    for statement in (
        *list_removals(f"{DATA}."),
        f"CREATE TABLE {DATA}.parameter_override (id TEXT)",
        f"CREATE VIEW {WORLD}.parameter_override AS SELECT id FROM {DATA}.parameter_override",
    ):
        raw.execute(statement.encode())
    raw.execute(f"UPDATE {DATA}.state SET format = 2, tables = %s".encode(), [CHECKSUMS[2]])


def test_a_database_that_does_not_hold_all_texts_is_refused() -> None:
    dsn = create_database("ENCODING 'SQL_ASCII' TEMPLATE template0")
    assert "has the encoding SQL_ASCII, which does not hold all texts" in get_refusal(dsn)


@pytest.mark.parametrize(
    ("dsn", "message"),
    [
        ("postgresql://nobody:secret@127.0.0.1:1/x", "no connection to the PostgreSQL database x at 127.0.0.1:1"),
        ("postgresql:///x?host=/nowhere", "no connection to the PostgreSQL database x at /nowhere"),
        ("postgresql://x?nonsense=1", "--state"),
    ],
)
def test_a_database_that_does_not_answer_is_named_without_its_password(dsn: str, message: str) -> None:
    refusal = get_refusal(dsn)
    assert message in refusal
    assert "secret" not in refusal


def test_a_user_who_may_not_create_schemas_learns_what_to_grant() -> None:
    dsn = create_database()
    with connect(dsn) as raw:
        raw.execute("CREATE USER reader")
    refusal = get_refusal(dsn.replace("user=postgres", "user=reader"))
    assert "the user 'reader' may not create schemas" in refusal
    assert "GRANT CREATE ON DATABASE" in refusal


# A database that is lost


def test_connections_that_are_cut_cost_no_request() -> None:
    dsn = create_database()
    with serve(dsn) as world:
        world.ask("{ projects { id } }")
        cut_connections(dsn, "mockserver")
        assert world.ask("{ projects { id } }") == {"projects": []}
        world.ask('mutation { createProject(data: {name: "after"}) { id } }')
        assert len(world.ask("{ projects { id } }")["projects"]) == 1


def test_a_server_without_its_database_is_not_ready_and_recovers_by_itself() -> None:
    with PrivateCluster(durable=True) as cluster, serve(cluster.dsn) as world:
        world.ask('mutation { createProject(data: {name: "before"}) { id } }')
        cluster.kill()
        wait_for(lambda: health(world)[0] == 503)
        assert "No connection to the PostgreSQL database postgres" in health(world)[1]
        code = ask_for_error(world, "{ projects { name } }")["extensions"]["code"]
        assert code == "MOCKSERVER_RESOURCE_FAILED"
        cluster.restart()
        wait_for(lambda: health(world)[0] == 200)
        assert world.ask("{ projects { name } }") == {"projects": [{"name": "before"}]}


def test_a_server_whose_database_is_silent_is_not_ready_until_it_answers() -> None:
    """A machine that is frozen, or behind a broken network, closes no connection."""
    dsn = create_database()
    with serve(dsn) as world:
        with connect(dsn) as raw:
            watch = "SELECT pid FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()"
            ((pid,),) = raw.execute(watch, ["mockserver-watch"]).fetchall()
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_for(lambda: health(world)[0] == 503)
            assert "has not answered for 10 seconds" in health(world)[1]
            refused = ask_for_error(world, "{ projects { name } }")
            assert refused["extensions"]["code"] == "MOCKSERVER_RESOURCE_FAILED"
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_for(lambda: health(world)[0] == 200)
        assert world.ask("{ projects { name } }") == {"projects": []}


@pytest.mark.slow
def test_a_server_whose_database_is_silent_ends_on_a_signal(tmp_path: Path) -> None:
    dsn = create_database()
    with serve_in(tmp_path, "--state", dsn, "--scenario", "empty", popen=subprocess.Popen) as process:
        ready(process, tmp_path)
        with connect(dsn) as raw:
            ours = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE %s AND datname = current_database()"
            pids = [pid for (pid,) in raw.execute(ours, ["mockserver%"])]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            process.terminate()
            _, log = process.communicate(timeout=90)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
    # It closes everything, if nothing was sent to the database that is still unanswered.
    assert (process.returncode, "Look whether disk and database answer" in log) in {(0, False), (1, True)}
    assert not (tmp_path / "ready.json").exists()


def test_a_text_that_the_database_cannot_keep_is_refused_in_words() -> None:
    hook = {"url": "http://127.0.0.1:9", "secret": "a\x00b", "topics": ["LABEL_UPDATED"], "version": "v2"}
    with serve(create_database()) as world, pytest.raises(ControlRefusedError, match=r"U\+0000; PostgreSQL keeps no"):
        world.control.call("POST", "webhooks", hook)
