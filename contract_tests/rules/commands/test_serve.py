"""`mockserver serve` as users start it: what it says, who may reach it, what it keeps, and how it ends."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from contract_tests.rules.commands.starting import (
    ENDS_WITHIN_SECONDS,
    READY_WITHIN_SECONDS,
    ask,
    export,
    ready,
    run,
    serve_in,
    task,
)
from contract_tests.rules.worlds import PROJECTS
from mockserver import __version__
from mockserver.commands.serve import Port
from mockserver.world.changes.tasks import TaskChanges
from mockserver.world.record import JsonText
from mockserver.world.records.tasks import EXPORT
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Store

# Serving


def test_it_says_what_a_user_needs_and_writes_what_a_program_needs(tmp_path: Path) -> None:
    with serve_in(tmp_path, popen=subprocess.Popen) as process:
        ready_file = ready(process, tmp_path)
        process.terminate()
        output, errors = process.communicate(timeout=60)
    for fact in (
        ready_file["graphql_url"],
        ready_file["rest_url"],
        ready_file["api_key"],
        f"mockserver {__version__}",
        ", ".join(PROJECTS),
    ):
        assert fact in output
    assert errors == ""
    assert ready_file["graphql_url"] == f"{ready_file['url']}/graphql"
    assert ready_file["rest_url"] == f"{ready_file['url']}/api/v1"
    assert set(ready_file) == {
        "url", "graphql_url", "rest_url", "api_key", "organization_id", "pid", "projects", "datasets", "slices",
        "model_runs",
    }  # fmt: skip


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_only_this_user_may_read_keys_and_secrets(tmp_path: Path) -> None:
    """Also in a folder that others may read, and in a state that an earlier version left open to them."""
    state = tmp_path / "given"
    (state / "workspaces").mkdir(parents=True)
    state.chmod(0o755)
    (state / "workspaces").chmod(0o755)
    (state / "mine.txt").write_text("not the server's")
    (state / "mine.txt").chmod(0o644)
    new = tmp_path / "new"
    for folder in (state, new):
        (tmp_path / "ready.json").unlink(missing_ok=True)
        with serve_in(tmp_path, "--state", str(folder)) as process:
            ready(process, tmp_path)
            assert mode(tmp_path / "ready.json") == 0o600
            assert mode(folder / "workspaces") == 0o700
    assert (mode(state), mode(state / "mine.txt"), mode(new)) == (0o755, 0o644, 0o700)


def test_a_temporary_state_is_closed_to_others_too(tmp_path: Path) -> None:
    with serve_in(tmp_path, TMPDIR=str(tmp_path)) as process:
        ready(process, tmp_path)
        folders = [path for path in tmp_path.iterdir() if path.is_dir()]
        assert folders
        assert [mode(folder) for folder in folders] == [0o700] * len(folders)


def test_ready_means_ready(tmp_path: Path) -> None:
    """The first look at the file is the first question, and it is answered."""
    with serve_in(tmp_path, popen=subprocess.Popen) as process:
        ready_file = ready(process, tmp_path)
        assert ask(ready_file, "{organization{id}}")["organization"]["id"] == ready_file["organization_id"]
        assert requests.get(f"{ready_file['url']}/_mock/health", timeout=60).json()["status"] == "ok"
        assert ready_file["pid"] == process.pid


def test_the_environment_sets_what_flags_set_and_flags_win(tmp_path: Path) -> None:
    variables = {
        "LABELBOX_MOCKSERVER_SCENARIO": "empty",
        "LABELBOX_MOCKSERVER_API_KEY": "from-environment",
        "LABELBOX_MOCKSERVER_SEED": "3",
    }
    with serve_in(tmp_path, "--api-key", "from-flag", **variables) as process:
        ready_file = ready(process, tmp_path)
    assert (ready_file["api_key"], ready_file["projects"]) == ("from-flag", {})


def test_the_key_is_the_only_one_taken(tmp_path: Path) -> None:
    with serve_in(tmp_path, "--api-key", "mine!/..#?%41") as process:
        ready_file = ready(process, tmp_path)
        assert ask(ready_file, "{user{email}}")["user"]
        assert ask(ready_file | {"api_key": "mock-api-key"}, "{user{email}}") is None


@pytest.mark.parametrize(
    "public",
    ["http://mock.example:81", "https://mock.example/under/", "http://[::1]:9", "http://mock.example:{port}/p"],
)
def test_the_public_url_is_in_every_link(tmp_path: Path, public: str) -> None:
    with serve_in(tmp_path, "--public-url", public, "--port", "0") as process:
        ready_file = ready(process, tmp_path)
        process_port = local_port(process.pid)
        reached = ready_file | {"graphql_url": f"http://127.0.0.1:{process_port}/graphql"}
        link = task(reached, export(reached))["result"]
        body = requests.get(link.replace(ready_file["url"], f"http://127.0.0.1:{process_port}"), timeout=60).text
    base = public.rstrip("/").replace("{port}", str(process_port))
    assert (ready_file["url"], ready_file["graphql_url"]) == (base, f"{base}/graphql")
    assert link.startswith(f"{base}/_files/")
    assert all(json.loads(line)["data_row"]["row_data"].startswith(f"{base}/_files/") for line in body.splitlines())


def local_port(pid: int) -> int:
    """The port on which a process listens, as the kernel knows it."""
    inodes = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        parts = line.split()
        if parts[3] == "0A" and f"socket:[{parts[9]}]" in inodes:
            return int(parts[1].rsplit(":", 1)[1], 16)
    raise AssertionError(f"process {pid} does not listen")


# Other machines


def control(ready_file: Any, **headers: str) -> int:
    return requests.post(f"{ready_file['url']}/_mock/reset", headers=headers, timeout=60).status_code


EVIL = {"Host": "evil.example:8000", "Origin": "http://evil.example:8000"}


@pytest.mark.parametrize("key", [[], ["--api-key", "my-own"]])
def test_a_server_that_others_can_reach_draws_its_control_token(tmp_path: Path, key: list[str]) -> None:
    with serve_in(tmp_path, "--host", "0.0.0.0", *key) as process:
        ready_file = ready(process, tmp_path)
        token = ready_file["control_token"]
        assert len(token) >= 32
        assert control(ready_file) == 200  # a program of this machine
        assert control(ready_file, **EVIL) == 401
        assert control(ready_file, **EVIL, Authorization=f"Bearer {ready_file['api_key']}") == 401
        assert control(ready_file, **EVIL, Authorization=f"Bearer {token}") == 200
        assert requests.get(f"{ready_file['url']}/_mock/health", headers=EVIL, timeout=60).ok
        process.terminate()
        output, _ = process.communicate(timeout=60)
    assert f"Authorization: Bearer {token}" in output


def test_each_start_draws_another_token(tmp_path: Path) -> None:
    tokens = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        with serve_in(tmp_path / name, "--host", "0.0.0.0") as process:
            tokens.append(ready(process, tmp_path / name)["control_token"])
    assert tokens[0] != tokens[1]


def test_a_token_that_is_given_is_taken(tmp_path: Path) -> None:
    with serve_in(tmp_path, "--host", "0.0.0.0", LABELBOX_MOCKSERVER_CONTROL_TOKEN="mine") as process:
        ready_file = ready(process, tmp_path)
        assert ready_file["control_token"] == "mine"
        assert control(ready_file, **EVIL, Authorization="Bearer mine") == 200


def test_on_loopback_no_other_host_is_answered(tmp_path: Path) -> None:
    """No path is answered: a web page whose name is resolved to this machine would read it."""
    with serve_in(tmp_path, "--public-url", "http://Labelbox-Mock:8000/under") as process:
        ready_file = ready(process, tmp_path)
        assert "control_token" not in ready_file
        base = f"http://127.0.0.1:{local_port(process.pid)}"
        for path in ("/", "/graphql", "/_mock/reset", "/_mock/health", "/docs/ci.md", "/_files/x", "/nothing"):
            for host in ("evil.example:8000", "evil.example", "", "127.0.0.1.evil.example", "localhost.evil.example"):
                for method in ("GET", "POST"):
                    refused = requests.request(method, base + path, headers={"Host": host}, data="{}", timeout=60)
                    assert (refused.status_code, refused.json()["code"]) == (421, "HOST_REFUSED")
                    assert "--public-url" in refused.json()["message"]
                    assert refused.json()["errors"][0]["extensions"]["code"] == "HOST_REFUSED"
                    assert ready_file["api_key"] not in refused.text
            for host in ("127.0.0.1", "localhost:1", "[::1]:8000", "labelbox-mock:8000", "LOCALHOST"):
                assert requests.get(base + path, headers={"Host": host}, timeout=60).status_code != 421


def test_forwarding_fields_are_never_believed(tmp_path: Path) -> None:
    """uvicorn believes those of everybody when FORWARDED_ALLOW_IPS says so, as it does in many containers."""
    with serve_in(tmp_path, "--host", "0.0.0.0", FORWARDED_ALLOW_IPS="*") as process:
        ready_file = ready(process, tmp_path)
        forwarded = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https"}
        assert control(ready_file, **forwarded) == 401  # a request through a proxy is from no program of this machine
        assert control(ready_file, **forwarded, Authorization=f"Bearer {ready_file['control_token']}") == 200
        page = requests.get(f"{ready_file['url']}/", headers=forwarded, timeout=60).text
    assert "https://127.0.0.1" not in page


def test_the_ready_file_is_never_seen_half(tmp_path: Path) -> None:
    seen: list[str] = []
    with serve_in(tmp_path, popen=subprocess.Popen) as process:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not seen and time.monotonic() < deadline:
            seen = [path.read_text() for path in tmp_path.glob("ready.json")]
        assert json.loads(seen[0])["pid"] == process.pid
        assert [path.name for path in tmp_path.iterdir()] == ["ready.json"]


# The end


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_stops_it_and_its_ready_file_is_removed(tmp_path: Path, how: signal.Signals) -> None:
    with serve_in(tmp_path, popen=subprocess.Popen, TMPDIR=str(tmp_path)) as process:
        ready(process, tmp_path)
        started = time.monotonic()
        process.send_signal(how)
        process.wait(30)
        took = time.monotonic() - started
    assert took < ENDS_WITHIN_SECONDS
    assert process.returncode in {0, -how}
    assert list(tmp_path.iterdir()) == []


def test_a_ready_file_of_an_earlier_life_is_not_left_to_be_believed(tmp_path: Path) -> None:
    """A killed server leaves it behind; a client that waits for the next one must not read the old address."""
    (tmp_path / "ready.json").write_text('{"pid": 0}')
    with serve_in(tmp_path, popen=subprocess.Popen) as process:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while process.poll() is None and not listens(process.pid) and time.monotonic() < deadline:
            time.sleep(0.005)
        left = (tmp_path / "ready.json").read_text() if (tmp_path / "ready.json").exists() else ""
    assert left != '{"pid": 0}'


def listens(pid: int) -> bool:
    try:
        return local_port(pid) > 0
    except (AssertionError, FileNotFoundError):
        return False


def test_an_idle_connection_does_not_hold_it_up(tmp_path: Path) -> None:
    with serve_in(tmp_path, popen=subprocess.Popen) as process:
        ready_file = ready(process, tmp_path)
        with requests.Session() as session:
            session.get(f"{ready_file['url']}/_mock/health", timeout=60)
            started = time.monotonic()
            process.terminate()
            process.wait(30)
    assert time.monotonic() - started < ENDS_WITHIN_SECONDS


LARGE = """
description = "A world that takes long to generate."
[ontologies.o]
media = "text"
[[projects]]
name = "large"
media = "text"
ontology = "o"
labelled = 3000000
"""


def test_what_runs_when_it_stops_is_cut_without_a_line_in_the_log(tmp_path: Path) -> None:
    """A page that listens, a body that is being sent, a world that is being generated: none of them holds it up."""
    cache, scenario, folder = tmp_path / "cache", tmp_path / "large.toml", tmp_path / "run"
    folder.mkdir()
    scenario.write_text(LARGE)
    stopped = threading.Event()

    def send_slowly() -> Iterator[bytes]:
        yield b"{"
        stopped.wait(READY_WITHIN_SECONDS)

    with (
        serve_in(folder, popen=subprocess.Popen, LABELBOX_MOCKSERVER_CACHE=str(cache)) as process,
        ThreadPoolExecutor() as threads,
    ):
        url = ready(process, folder)["url"]
        with requests.get(f"{url}/console/stream", stream=True, timeout=60):
            open_calls = [
                threads.submit(requests.post, f"{url}/_mock/workspaces", json={"scenario": str(scenario)}, timeout=60),
                threads.submit(requests.post, f"{url}/_mock/events", data=send_slowly(), timeout=60),
            ]
            deadline = time.monotonic() + READY_WITHIN_SECONDS
            while not list(cache.rglob("*large*.part")):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            process.terminate()
            _, log = process.communicate(timeout=ENDS_WITHIN_SECONDS)
        stopped.set()
        assert [type(call.exception()) for call in open_calls] == [requests.ConnectionError] * 2
    assert (process.returncode, log) == (0, "")


UNENDING = """
import threading
from mockserver.serving.deadline import Deadline
deadline = Deadline(lambda: print("cleaned", flush=True), seconds=0.05)
deadline.start()
deadline.start()
threading.Thread(target=threading.Event().wait, name="frozen").start()
{rest}
"""


@pytest.mark.parametrize(
    ("rest", "expected"),
    [("", (1, "cleaned\n", "threads that run: frozen")), ("deadline.finish()", (0, "", ""))],
    ids=["waiting", "closed"],
)
def test_it_ends_although_something_does_not_end(rest: str, expected: tuple[int, str, str]) -> None:
    program = [sys.executable, "-c", UNENDING.format(rest=rest)]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == expected[:2]
    assert expected[2] in ended.stderr


def test_it_ends_with_its_companion(tmp_path: Path) -> None:
    with (
        subprocess.Popen(["sleep", "60"]) as companion,
        serve_in(tmp_path, "--exit-with", str(companion.pid), popen=subprocess.Popen) as process,
    ):
        ready(process, tmp_path)
        companion.kill()
        companion.wait()
        process.wait(ENDS_WITHIN_SECONDS)
        assert process.returncode == 0
    assert not (tmp_path / "ready.json").exists()


# State


def test_a_kept_state_has_its_tasks_results_and_ids_after_a_restart(tmp_path: Path) -> None:
    with serve_in(tmp_path, "--state", str(tmp_path / "state")) as process:
        first = ready(process, tmp_path)
        done = export(first)
        before = requests.get(task(first, done)["result"], timeout=60).content
        process.terminate()
        process.wait(30)
    with serve_in(tmp_path, "--state", str(tmp_path / "state")) as process:
        second = ready(process, tmp_path)
        unfinished = task(second, done)
        after = requests.get(unfinished["result"].replace(first["url"], second["url"]), timeout=60).content
        assert export(second) != done
    assert (unfinished["status"], before) == ("COMPLETE", after)
    assert before
    assert {k: second[k] for k in ("projects", "datasets")} == {k: first[k] for k in ("projects", "datasets")}


def test_a_change_survives_a_kill(tmp_path: Path) -> None:
    counts = []
    for _ in range(2):
        with serve_in(tmp_path, "--state", str(tmp_path / "state"), popen=subprocess.Popen) as process:
            ready_file = ready(process, tmp_path)
            counts.append(len(ready_file["projects"]))
            ask(ready_file, 'mutation{createProject(data: {name: "kept"}){id}}')
            process.kill()
        (tmp_path / "ready.json").unlink(missing_ok=True)
    assert counts[1] == counts[0] + 1


def test_a_task_that_a_kill_cut_short_is_failed_after_the_restart(tmp_path: Path) -> None:
    with serve_in(tmp_path, "--state", str(tmp_path / "state"), popen=subprocess.Popen) as process:
        ready(process, tmp_path)
        process.kill()
        process.wait(30)
    [database] = (tmp_path / "state").rglob("world.sqlite")
    store = Store(SqliteDatabase(database))
    left = TaskChanges(store).create_task(type=EXPORT, name=None, request=JsonText("{}"), base_url="http://mock").id
    store.close()
    (tmp_path / "ready.json").unlink()
    with serve_in(tmp_path, "--state", str(tmp_path / "state")) as process:
        unfinished = task(ready(process, tmp_path), left)
    assert (unfinished["status"], unfinished["result"]) == ("FAILED", None)
    assert "stopped while this task ran" in unfinished["metadata"]["failure"]


def test_two_servers_without_a_state_know_nothing_of_each_other(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with serve_in(tmp_path / "a") as one, serve_in(tmp_path / "b") as other:
        first, second = ready(one, tmp_path / "a"), ready(other, tmp_path / "b")
        task_id = export(first)
        assert ask(second, "query($id: ID){task(where: {id: $id}){id}}", id=task_id) == {"task": None}
        assert export(second) != task_id


# Flags


def test_every_flag_of_serve_shows_its_environment_name() -> None:
    output = " ".join(run("serve", "--help", COLUMNS="400").stdout.split())
    for flag in (
        "--host",
        "--port",
        "--scenario",
        "--seed",
        "--ends",
        "--state",
        "--api-key",
        "--public-url",
        "--ready-file",
        "--exit-with",
    ):
        assert flag in output
        assert f"LABELBOX_MOCKSERVER_{flag.removeprefix('--').replace('-', '_').upper()}" in output


@pytest.mark.parametrize("ends", ["now", "2025-06-01", "2025-06-01T12:00:00+02:00"])
def test_a_history_ends_when_asked(tmp_path: Path, ends: str) -> None:
    with serve_in(tmp_path, "--ends", ends, LABELBOX_MOCKSERVER_CACHE=str(tmp_path)) as process:
        assert ready(process, tmp_path)["projects"]


def test_a_port_that_kubernetes_sets_for_a_service_of_our_name_is_passed_over() -> None:
    """The Service `mockserver` sets it in every pod beside it; the default port is meant."""
    assert Port().convert("tcp://10.0.0.1:8000", None, None) == 8000
    assert Port().convert("8001", None, None) == 8001


def test_two_servers_cannot_share_a_state(tmp_path: Path) -> None:
    with serve_in(tmp_path, "--state", str(tmp_path / "state")) as process:
        ready(process, tmp_path)
        second = run("serve", "--state", str(tmp_path / "state"))
    assert (second.returncode, len(second.stderr.splitlines())) == (2, 1)
    assert "in use by another server" in second.stderr


def test_a_ready_file_that_is_a_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    ended = run("serve", "--port", "0", "--ready-file", str(tmp_path))
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1), ended.stderr
    assert "--ready-file" in ended.stderr
