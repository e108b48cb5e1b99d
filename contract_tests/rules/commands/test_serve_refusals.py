"""`mockserver serve` with what cannot be served: refused in one line, and nothing is left behind."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from contract_tests.machine import make_read_only, small_disk
from contract_tests.rules.commands.starting import ask, ready, run, serve_in

DATABASE = ["--state", "postgresql:///x?host=/no"]

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
    "an address with an unknown word": (["--public-url", "http://mock:{prt}"], "--public-url", "http://labelbox-mock:{port}"),
    "half an IPv6 address": (["--public-url", "http://["], "--public-url is 'http://['", "http://"),
    "an address with a quote": (["--public-url", 'http://a"b'], "--public-url", "http://"),
    "a name among replicas without a database": (["--replica-name", "one"], "--replica-name", "--state postgresql://"),
    "an address for replicas without a database": (["--replica-address", "http://a:1"], "--replica-address", "--state"),
    "a name of two words": ([*DATABASE, "--replica-name", "mock 1"], "--replica-name is 'mock 1'", "without spaces"),
    "an address for replicas with TLS": (
        [*DATABASE, "--replica-address", "https://mock-1:8000"], "--replica-address is 'https://", "expected http://"
    ),
    "an address for replicas with a path": (
        [*DATABASE, "--replica-address", "http://mock-1:8000/x"], "--replica-address is", "http://mock-1:{port}"
    ),
    "a database that is not there": (["--state", "postgresql:///x?host=/no"], "no connection to the", "check --state"),
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
