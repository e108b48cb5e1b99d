"""The program as people start it: what it says, what it refuses, and how it ends."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
import requests

from contract_tests.machine import make_read_only, small_disk
from contract_tests.rules.worlds import PROJECTS
from contract_tests.serving import environment_without_settings
from mockserver import __version__
from mockserver.__main__ import COMMANDS, main
from mockserver.commands.serve import Port
from mockserver.generate.scenario import list_scenarios
from mockserver.world.changes.tasks import TaskChanges
from mockserver.world.database import JsonText
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Store
from mockserver.world.tasks import EXPORT

ENDS_WITHIN_SECONDS = 4.0
"""Measured: 0.3; an idle connection would hold up a server that waits for it for as long as it is kept."""
"""Measured: 0.2; promised: 0.5; given to a busy machine: 2."""
READY_WITHIN_SECONDS = 60.0
ENDS_BY_ITSELF_WITHIN_SECONDS = 90
EXPORT_PROJECT = "mutation($i: ExportDataRowsInProjectInput!){exportDataRowsInProject(input: $i){taskId}}"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    command = [sys.executable, "-m", "mockserver", *arguments]
    variables = environment_without_settings() | environment
    return subprocess.run(
        command, env=variables, capture_output=True, text=True, timeout=ENDS_BY_ITSELF_WITHIN_SECONDS, check=False
    )


@contextmanager
def serve_in(folder: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A server whose ready file is `ready.json` in the folder; killed at the end if it still runs."""
    command = [sys.executable, "-m", "mockserver", "serve", "--ready-file", str(folder / "ready.json")]
    variables = environment_without_settings() | {"LABELBOX_MOCKSERVER_PORT": "0"} | environment
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, *arguments], env=variables, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def ready(process: subprocess.Popen[str], folder: Path) -> Any:
    """Waits for the ready file, and returns its content."""
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while not (folder / "ready.json").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "not ready"
        time.sleep(0.005)
    return json.loads((folder / "ready.json").read_text())


def ask(ready_file: Any, query: str, **variables: object) -> Any:
    headers = {"Authorization": f"Bearer {ready_file['api_key']}"}
    body = {"query": query, "variables": variables}
    return requests.post(ready_file["graphql_url"], json=body, headers=headers, timeout=20).json()["data"]


def export(ready_file: Any) -> str:
    arguments = {"filters": {"projectId": ready_file["projects"]["image"]}}
    return str(ask(ready_file, EXPORT_PROJECT, i=arguments)["exportDataRowsInProject"]["taskId"])


def task(ready_file: Any, task_id: str) -> Any:
    return ask(ready_file, "query($id: ID){task(where: {id: $id}){status result metadata}}", id=task_id)["task"]


# Refusals

REFUSED: dict[str, tuple[list[str], str, str]] = {
    "a port beyond all": (["--port", "70000"], "--port is 70000", "--port 8000"),
    "a negative port": (["--port", "-1"], "--port is -1", "--port 8000"),
    "an outbox without room": (["--outbox-limit", "0"], "--outbox-limit is 0", "--outbox-limit 2048"),
    "a scenario nobody has": (["--scenario", "defualt"], "--scenario is 'defualt'", '"default"'),
    "a file that is not there": (["--scenario", "./mine.toml"], "no such file", "a path that exists"),
    "a scenario that is no TOML": (["--scenario", "/etc/passwd"], "/etc/passwd: not TOML", "line 1"),
    "a scenario that is a folder": (["--scenario", "/usr/"], "--scenario is '/usr/'", "a path that exists"),
    "an end that is no date": (["--ends", "yesterday"], "--ends is 'yesterday'", "2025-01-01"),
    "an end before all time": (["--ends", "0001-01-02"], "--ends", "0001-01-02"),
    "an empty key": (["--api-key", ""], "--api-key is ''", "--api-key mock-api-key"),
    "a key with spaces": (["--api-key", "my key"], "--api-key is 'my key'", "without spaces"),
    "a key beyond ASCII": (["--api-key", "schlüssel"], "--api-key is 'schlüssel'", "printable ASCII"),
    "a key that does not print": (["--api-key", "a\x07b"], "--api-key", "printable ASCII"),
    "an address of another kind": (["--public-url", "ftp://mock"], "--public-url is 'ftp://mock'", "http://"),
    "an address without a host": (["--public-url", "labelbox-mock"], "--public-url", "http://labelbox-mock:8000"),
    "an address with a query": (["--public-url", "http://mock?x=1"], "--public-url", "no query"),
    "half an IPv6 address": (["--public-url", "http://["], "--public-url is 'http://['", "http://"),
    "an address with a quote": (["--public-url", 'http://a"b'], "--public-url", "http://"),
    "a database that is not served": (["--state", "postgresql://x"], "--state postgresql://", "give a folder"),
    "a state that is a file": (["--state", "/etc/passwd"], "--state /etc/passwd", "a folder that can be written"),
    "a state that cannot be written": (["--state", "/proc/mock"], "--state /proc/mock", "a folder that can be written"),
    "a ready file in no folder": (["--ready-file", "/nowhere/r.json"], "--ready-file /nowhere/r", "folder that exists"),
    "a companion that does not run": (["--exit-with", "0"], "--exit-with: no process 0", "give the PID"),
    "a companion beyond all numbers": (["--exit-with", "9" * 20], "--exit-with", "give the PID"),
    "a host that is not here": (["--host", "192.0.2.1"], "192.0.2.1", "--host 127.0.0.1"),
    "a host nobody knows": (["--host", "no.invalid"], "no.invalid", "--host 127.0.0.1"),
    "a host that is no name": (["--host", "a..b"], "a..b", "--host 127.0.0.1"),
    "a target that is a URL": (["--webhook-allow", "http://a/"], "--webhook-allow is 'http://a/'", "*.example.com"),
    "a token with spaces": (["--control-token", "a b"], "--control-token is empty or has", "openssl rand -hex 16"),
    "no connection at all": (["--connection-limit", "0"], "--connection-limit is 0", "--connection-limit 400"),
    "a seed beyond 64 bits": (["--seed", "9" * 30], "--seed", "9" * 20),
}  # fmt: skip


@pytest.mark.parametrize(("flags", "received", "help_"), REFUSED.values(), ids=list(REFUSED))
def test_what_cannot_be_served_is_refused_in_one_line(
    flags: list[str], received: str, help_: str, tmp_path: Path
) -> None:
    """The message has the received value, the expected one and what to do; status 2; no traceback."""
    ended = run("serve", "--port", "0", *flags, LABELBOX_MOCKSERVER_CACHE=str(tmp_path))
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    [line] = ended.stderr.splitlines()
    assert line.startswith("mockserver: ")
    assert received in line
    assert help_ in line


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--port", "many"], "'many' is not a valid integer"),
        (["--seed", "1.5"], "'1.5' is not a valid integer"),
        (["--prot", "1"], "--port"),
        (["--scenario"], "requires an argument"),
        (["extra"], "unexpected extra argument (extra)"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(flags: list[str], message: str) -> None:
    ended = run("serve", *flags)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_each_verb_has_the_name_by_which_it_is_called() -> None:
    context = click.Context(main)
    verbs = main.list_commands(context)
    commands = [main.get_command(context, verb) for verb in verbs]
    assert [command.name for command in commands if command] == verbs
    assert len(set(verbs)) == len(verbs) > len(COMMANDS)


def test_every_verb_is_on_the_page_of_the_command_line() -> None:
    page = (Path(__file__).parents[2] / "docs/command-line.md").read_text("utf-8")
    cells = " ".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    assert [verb for verb in main.list_commands(click.Context(main)) if not re.search(f"`{verb}[` ]", cells)] == []


@pytest.mark.parametrize(
    ("typed", "verb"), [("sevre", "serve"), ("scenarois", "scenarios"), ("deliverys", "deliveries")]
)
def test_a_misspelt_verb_is_refused_with_the_nearest_ones(typed: str, verb: str) -> None:
    ended = run(typed)
    assert ended.returncode == 2
    assert f"there is no verb '{typed}'; the nearest are" in ended.stderr
    assert verb in ended.stderr.splitlines()[-1]


def test_a_verb_imports_no_other_verb() -> None:
    program = "import sys; from mockserver.__main__ import main; main(['serve', '--help'], standalone_mode=False)\n"
    program += "print(*sorted(name for name in sys.modules if name.startswith('mockserver.')))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    modules = set(printed.splitlines()[-1].split())
    assert "mockserver.commands.serve" in modules
    assert not modules & {f"mockserver.commands.{name}" for name in ("contract", "control", "execute", "webhook")}
    assert "mockserver.app" not in modules


def test_a_taken_port_is_named_with_a_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("serve", "--port", str(port))
    assert ended.returncode == 2
    assert f"port {port} on 127.0.0.1 is taken" in ended.stderr
    assert "--port 0" in ended.stderr


def test_a_key_may_be_longer_than_a_file_name(tmp_path: Path) -> None:
    with serve_in(tmp_path, "--api-key", "k" * 300) as process:
        assert ask(ready(process, tmp_path), "{user{email}}")["user"]


@pytest.mark.parametrize("name", ["PORT", "EXIT_WITH", "SEED"])
def test_a_wrong_setting_of_the_environment_is_named(name: str) -> None:
    ended = run("serve", **{f"LABELBOX_MOCKSERVER_{name}": "nonsense"})
    assert ended.returncode == 2
    assert f"LABELBOX_MOCKSERVER_{name}" in ended.stderr


def test_a_failed_start_leaves_nothing_behind(tmp_path: Path) -> None:
    run("serve", "--port", "0", "--ready-file", str(tmp_path / "no" / "r.json"), TMPDIR=str(tmp_path))
    assert list(tmp_path.glob("mockserver-*")) == []


def test_a_start_without_a_temporary_folder_is_refused_in_one_line() -> None:
    """It is so on a read-only root file system without an emptyDir on /tmp."""
    program = "import tempfile; tempfile._candidate_tempdir_list = lambda: ['/nowhere']\n"
    program += "from mockserver.__main__ import main; main(['serve', '--port', '0'])"
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    assert "no folder for temporary files can be written" in line
    assert "mount a writable /tmp" in line


def test_a_scenario_is_served_though_the_cache_cannot_be_written(tmp_path: Path) -> None:
    """A container may have a read-only root, and any user may start it, while the cache belongs to another one."""
    with small_disk(tmp_path / "disk", 8) as disk:
        (disk / "worlds").mkdir()
        make_read_only(disk)
        place = {"LABELBOX_MOCKSERVER_CACHE": str(disk)}
        with serve_in(tmp_path, "--scenario", "states", **place) as process:
            assert ready(process, tmp_path)["projects"]
            process.terminate()
            _, errors = process.communicate(timeout=30)
    assert "the world is not kept for the next start, because the cache cannot be written" in errors


# Serving


def test_it_says_what_a_person_needs_and_writes_what_a_program_needs(tmp_path: Path) -> None:
    with serve_in(tmp_path) as process:
        ready_file = ready(process, tmp_path)
        process.terminate()
        output, errors = process.communicate(timeout=10)
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
    with serve_in(tmp_path) as process:
        ready_file = ready(process, tmp_path)
        assert ask(ready_file, "{organization{id}}")["organization"]["id"] == ready_file["organization_id"]
        assert requests.get(f"{ready_file['url']}/_mock/health", timeout=5).json()["status"] == "ok"
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


@pytest.mark.parametrize("public", ["http://mock.example:81", "https://mock.example/under/", "http://[::1]:9"])
def test_the_public_url_stands_in_every_link(tmp_path: Path, public: str) -> None:
    with serve_in(tmp_path, "--public-url", public, "--port", "0") as process:
        ready_file = ready(process, tmp_path)
        process_port = local_port(process.pid)
        reached = ready_file | {"graphql_url": f"http://127.0.0.1:{process_port}/graphql"}
        link = task(reached, export(reached))["result"]
        body = requests.get(link.replace(ready_file["url"], f"http://127.0.0.1:{process_port}"), timeout=10).text
    base = public.rstrip("/")
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
    return requests.post(f"{ready_file['url']}/_mock/reset", headers=headers, timeout=20).status_code


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
        assert requests.get(f"{ready_file['url']}/_mock/health", headers=EVIL, timeout=5).ok
        process.terminate()
        output, _ = process.communicate(timeout=10)
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
                    refused = requests.request(method, base + path, headers={"Host": host}, data="{}", timeout=5)
                    assert (refused.status_code, refused.json()["code"]) == (421, "HOST_REFUSED")
                    assert "--public-url" in refused.json()["message"]
                    assert refused.json()["errors"][0]["extensions"]["code"] == "HOST_REFUSED"
                    assert ready_file["api_key"] not in refused.text
            for host in ("127.0.0.1", "localhost:1", "[::1]:8000", "labelbox-mock:8000", "LOCALHOST"):
                assert requests.get(base + path, headers={"Host": host}, timeout=5).status_code != 421


def test_forwarding_fields_are_never_believed(tmp_path: Path) -> None:
    """uvicorn believes those of everybody when FORWARDED_ALLOW_IPS says so, as it does in many containers."""
    with serve_in(tmp_path, "--host", "0.0.0.0", FORWARDED_ALLOW_IPS="*") as process:
        ready_file = ready(process, tmp_path)
        forwarded = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https"}
        assert control(ready_file, **forwarded) == 401  # a request through a proxy is from no program of this machine
        assert control(ready_file, **forwarded, Authorization=f"Bearer {ready_file['control_token']}") == 200
        page = requests.get(f"{ready_file['url']}/", headers=forwarded, timeout=5).text
    assert "https://127.0.0.1" not in page


def test_the_ready_file_is_never_seen_half(tmp_path: Path) -> None:
    seen: list[str] = []
    with serve_in(tmp_path) as process:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not seen and time.monotonic() < deadline:
            seen = [path.read_text() for path in tmp_path.glob("ready.json")]
        assert json.loads(seen[0])["pid"] == process.pid
        assert [path.name for path in tmp_path.iterdir()] == ["ready.json"]


# The end


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_told_to_stop_it_stops_at_once_and_takes_its_ready_file_along(tmp_path: Path, how: signal.Signals) -> None:
    with serve_in(tmp_path, TMPDIR=str(tmp_path)) as process:
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
    with serve_in(tmp_path) as process:
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
    with serve_in(tmp_path) as process:
        ready_file = ready(process, tmp_path)
        with requests.Session() as session:
            session.get(f"{ready_file['url']}/_mock/health", timeout=5)
            started = time.monotonic()
            process.terminate()
            process.wait(30)
    assert time.monotonic() - started < ENDS_WITHIN_SECONDS


def test_it_ends_with_its_companion(tmp_path: Path) -> None:
    with (
        subprocess.Popen(["sleep", "60"]) as companion,
        serve_in(tmp_path, "--exit-with", str(companion.pid)) as process,
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
        before = requests.get(task(first, done)["result"], timeout=10).content
        process.terminate()
        process.wait(30)
    with serve_in(tmp_path, "--state", str(tmp_path / "state")) as process:
        second = ready(process, tmp_path)
        unfinished = task(second, done)
        after = requests.get(unfinished["result"].replace(first["url"], second["url"]), timeout=10).content
        assert export(second) != done
    assert (unfinished["status"], before) == ("COMPLETE", after)
    assert before
    assert {k: second[k] for k in ("projects", "datasets")} == {k: first[k] for k in ("projects", "datasets")}


def test_a_change_survives_a_kill(tmp_path: Path) -> None:
    counts = []
    for _ in range(2):
        with serve_in(tmp_path, "--state", str(tmp_path / "state")) as process:
            ready_file = ready(process, tmp_path)
            counts.append(len(ready_file["projects"]))
            ask(ready_file, 'mutation{createProject(data: {name: "kept"}){id}}')
            process.kill()
        (tmp_path / "ready.json").unlink(missing_ok=True)
    assert counts[1] == counts[0] + 1


def test_a_task_that_a_kill_cut_short_is_failed_after_the_restart(tmp_path: Path) -> None:
    with serve_in(tmp_path, "--state", str(tmp_path / "state")) as process:
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


# The other verbs


def test_the_scenarios_are_listed_with_what_they_are() -> None:
    ended = run("scenarios")
    assert ended.returncode == 0
    assert [line.split()[0] for line in ended.stdout.splitlines()] == list_scenarios()
    assert all(len(line.split()) > 4 for line in ended.stdout.splitlines())


def test_prepare_makes_the_world_that_serve_then_finds(tmp_path: Path) -> None:
    prepared = run("prepare", "--seed", "5", LABELBOX_MOCKSERVER_CACHE=str(tmp_path))
    again = run("prepare", "--seed", "5", LABELBOX_MOCKSERVER_CACHE=str(tmp_path))
    [world] = (tmp_path / "worlds").iterdir()
    assert prepared.stdout == again.stdout == f"{world}\n"
    with serve_in(tmp_path, "--seed", "5", LABELBOX_MOCKSERVER_CACHE=str(tmp_path)) as process:
        ready(process, tmp_path)
    assert [path.name for path in (tmp_path / "worlds").iterdir()] == [world.name]


@pytest.mark.parametrize("flags", [["--scenario", "nobody"], ["--ends", "yesterday"], ["--seed", "9" * 30]])
def test_prepare_refuses_in_one_line_too(flags: list[str], tmp_path: Path) -> None:
    ended = run("prepare", *flags, LABELBOX_MOCKSERVER_CACHE=str(tmp_path))
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1), ended.stderr
    assert list(tmp_path.rglob("*.part")) == []


def test_a_large_world_is_announced_where_no_bar_can_be_seen(tmp_path: Path) -> None:
    mine = tmp_path / "large.toml"
    mine.write_text(
        'description = "d"\npeople = 1\n[ontologies.o]\nmedia = "text"\n[[projects]]\nname = "p"\nmedia = "text"\n'
        'ontology = "o"\nlabelled = 0\nskipped = 0\nunlabelled = 20_000\nembeddings = false\n'
    )
    prepared = run("prepare", "--scenario", str(mine), LABELBOX_MOCKSERVER_CACHE=str(tmp_path))
    assert prepared.stderr == "Generating a world of 20,000 data rows, once; it is cached for the next start.\n"
    assert Path(prepared.stdout.strip()).is_file()
    assert run("prepare", "--scenario", str(mine), LABELBOX_MOCKSERVER_CACHE=str(tmp_path)).stderr == ""


@pytest.mark.parametrize("flags", [["--help"], ["-h"], ["serve", "--help"], ["prepare", "-h"]])
def test_help_is_given(flags: list[str]) -> None:
    ended = run(*flags)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Usage:" in ended.stdout


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


def test_the_version_is_told() -> None:
    assert __version__ in run("--version").stdout


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
