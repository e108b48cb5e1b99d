"""The module for Testcontainers, with the unmodified packages and a stand-in for Docker."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.rules.pages import files_of
from contract_tests.rules.testing.docker_stand_in import DockerStandIn

PROGRAM = """
import json, requests
from mockserver.testing.container import MockServerContainer

{text}
"""

OWN = """\
description = "Ships."
[ontologies.ships]
media = "image"
tools = [{ name = "Ship", tool = "rectangle" }]

[[projects]]
name = "mine"
media = "image"
ontology = "ships"
labelled = 2
skipped = 0
unlabelled = 0
"""


@pytest.fixture(scope="module")
def docker() -> Iterator[DockerStandIn]:
    with DockerStandIn() as daemon:
        yield daemon


def run(docker: DockerStandIn, folder: Path, *arguments: str) -> str:
    """Runs Python in a process of its own: Testcontainers reads its settings when it is imported."""
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **docker.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_test_of_the_page_is_green_and_its_container_is_removed(docker: DockerStandIn, tmp_path: Path) -> None:
    (tmp_path / "test_container.py").write_text(files_of("containers.md")["test_container.py"])
    plugins = ["-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:faker"]
    assert "1 passed" in run(docker, tmp_path, "-m", "pytest", "-q", *plugins)
    assert not docker.containers
    assert "LABELBOX_MOCKSERVER_SCENARIO=states" in docker.removed[-1].created_with["Env"]


def test_a_container_has_the_settings_and_gives_links_that_lead_into_it(docker: DockerStandIn, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    text = """
with MockServerContainer(scenario="own.toml", seed=3, docker_options={"read_only": True}) as container:
    workspace = container.server.own
    rows = workspace.expected_rows("mine")
    link = rows[0]["data_row"]["row_data"]
    refused = requests.get(f"{container.url}/_mock/workspaces", headers={"X-Forwarded-For": "192.0.2.1"}, timeout=30)
    print(json.dumps([len(rows), link.startswith(container.url), requests.get(link, timeout=30).status_code]))
    print(refused.status_code, container.receiver_url(3001, "/hook"))
"""
    printed = run(docker, tmp_path, "-c", PROGRAM.format(text=text)).splitlines()
    assert printed[-2:] == ["[2, true, 200]", "401 http://host.docker.internal:3001/hook"]
    created = docker.removed[-1].created_with
    assert "LABELBOX_MOCKSERVER_SEED=3" in created["Env"]
    assert created["HostConfig"]["ReadonlyRootfs"] is True
    assert created["HostConfig"]["ExtraHosts"] == ["host.docker.internal:host-gateway"]


def test_a_container_that_ends_is_reported_with_its_output(docker: DockerStandIn, tmp_path: Path) -> None:
    text = """
try:
    with MockServerContainer(scenario="stetas"):
        pass
except Exception as error:
    print(type(error).__name__, error)
"""
    printed = run(docker, tmp_path, "-c", PROGRAM.format(text=text))
    assert printed.startswith("ServerDiedError The container has ended before it was ready. It wrote:")
    assert "--scenario is 'stetas'" in printed
    assert not docker.containers


@pytest.mark.parametrize("look", range(1, 5))
def test_a_container_is_reported_at_whichever_look_it_ends(look: int, tmp_path: Path) -> None:
    text = """
try:
    with MockServerContainer():
        print("ready")
except Exception as error:
    print(type(error).__name__, error)
"""
    with DockerStandIn(ends_at_look=look) as docker:
        printed = run(docker, tmp_path, "-c", PROGRAM.format(text=text))
    assert printed.startswith("ServerDiedError The container has ended before it was ready. It wrote:")


def test_each_container_has_a_token_of_its_own(docker: DockerStandIn, tmp_path: Path) -> None:
    text = "print(len({MockServerContainer().control_token for _ in range(3)}))"
    assert run(docker, tmp_path, "-c", PROGRAM.format(text=text)) == "3\n"


def test_without_testcontainers_the_extra_is_named(tmp_path: Path) -> None:
    text = "import sys; sys.modules['testcontainers'] = None\nimport mockserver.testing.container"
    ended = subprocess.run([sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "pip install 'labelbox-mockserver[testcontainers]'" in ended.stderr.splitlines()[-1]
