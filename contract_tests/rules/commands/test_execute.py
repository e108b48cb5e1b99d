"""`mockserver exec` leads a program to a mock of its own; `mockserver env` prints how."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from contract_tests.clients.environments import NEWEST, python_of
from contract_tests.forking import run_forked
from contract_tests.rules.pages import REPOSITORY, get_block
from contract_tests.serving import ServedWorld

QUERY = '{"query": "{projects{name}}"}'
WITH_REQUESTS = f"""
import os, requests
headers = {{"Authorization": "Bearer their-own-key"}}
answer = requests.post("https://api.labelbox.com/graphql", data='{QUERY}', headers=headers)
print(answer.json()["data"]["projects"][0]["name"])
"""
WITH_SSL = f"""
import json, urllib.request
headers = {{"Authorization": "Bearer their-own-key", "Content-Type": "application/json"}}
request = urllib.request.Request("https://api.labelbox.com/graphql", b'{QUERY}', headers)
print(json.load(urllib.request.urlopen(request))["data"]["projects"][0]["name"])
"""
WITH_SDK = """
from labelbox import Client
project = next(iter(Client().get_projects()))
task = project.export(params={"label_details": True})
task.wait_till_done()
print(project.name, len(list(task.get_buffered_stream())))
"""


def run(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return run_forked(*arguments, cwd=folder, env=environment, timeout=240)


@pytest.mark.parametrize("program", [WITH_REQUESTS, WITH_SSL], ids=["requests", "ssl"])
def test_a_program_with_the_real_host_wired_in_reaches_the_mock(program: str) -> None:
    finished = run("exec", "--", sys.executable, "-c", program)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "image\n", "")


def test_curl_reaches_it_too() -> None:
    key = ["-H", "Authorization: Bearer their-own-key"]
    finished = run("exec", "--", "curl", "-sS", "https://api.labelbox.com/graphql", *key, "-d", QUERY)
    assert finished.stdout.startswith('{"data":{"projects":[{"name":"image"}'), finished.stderr


def test_the_newest_sdk_exports_without_any_address() -> None:
    finished = run("exec", "--", str(python_of(NEWEST)), "-c", WITH_SDK)
    assert finished.stdout.endswith("image 12\n"), finished.stderr


def test_the_other_way_of_the_page_works() -> None:
    finished = run("exec", "--no-proxy", "--", str(python_of(NEWEST)), "-c", get_block("exec.md", "python"))
    assert (finished.stdout, finished.stderr) == ("Mock Organization\n", "")


def test_the_status_of_the_program_is_the_status_of_exec() -> None:
    assert run("exec", "--no-proxy", "--", "sh", "-c", "exit 7").returncode == 7
    assert run("exec", "--no-proxy", "--", "sh", "-c", "kill -KILL $$").returncode == 128 + signal.SIGKILL


def test_a_program_that_does_not_exist_has_the_status_of_a_shell() -> None:
    finished = run("exec", "--no-proxy", "--", "nothing-there")
    assert (finished.returncode, finished.stderr) == (127, "mockserver: there is no program 'nothing-there'\n")


def test_a_program_that_never_reaches_the_mock_is_shown_the_other_way() -> None:
    finished = run("exec", "--no-proxy", "--", "true")
    assert finished.returncode == 0
    assert "no request reached the mock" in finished.stderr
    assert "LABELBOX_GRAPHQL_URL" in finished.stderr


def test_options_choose_the_world() -> None:
    script = 'curl -sS "$LABELBOX_GRAPHQL_URL" -H "Authorization: Bearer $LABELBOX_API_KEY" -d "$0"'
    finished = run("exec", "--no-proxy", "--scenario", "empty", "--", "sh", "-c", script, QUERY)
    assert finished.stdout == '{"data":{"projects":[]}}'


def test_a_wrong_scenario_has_status_2() -> None:
    finished = run("exec", "--no-proxy", "--scenario", "nothing", "--", "true")
    assert finished.returncode == 2
    assert "nothing" in finished.stderr


def test_a_signal_is_passed_on_to_the_program() -> None:
    script = "trap 'echo ended; exit 3' TERM; echo started; while true; do sleep 0.1; done"
    command = [sys.executable, "-m", "mockserver", "exec", "--no-proxy", "--", "sh", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.terminate()
        assert process.communicate()[0] == "ended\n"
    assert process.returncode == 3


def test_env_prints_the_addresses_of_a_running_server(server: ServedWorld) -> None:
    finished = run("env", "--server", server.url)
    assert dict(re.findall(r"^export (\w+)=(\S+)$", finished.stdout, re.MULTILINE)) == {
        "LABELBOX_API_KEY": server.api_key,
        "LABELBOX_GRAPHQL_URL": server.graphql_url,
        "LABELBOX_REST_URL": server.rest_url,
    }


def test_env_without_a_server_has_status_2() -> None:
    finished = run("env", "--server", "http://127.0.0.1:1")
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "http://127.0.0.1:1 does not answer" in finished.stderr
