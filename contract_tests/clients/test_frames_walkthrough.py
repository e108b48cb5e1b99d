"""The seed's ways to the frames of a label, as printed: curl, Python and Postman, whichever way the server answers."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract_tests.clients import newman
from contract_tests.rules.api.asking import get
from contract_tests.rules.api.clips import SHORT, SKIPPED, serve_clips
from contract_tests.serving import ServedWorld

CURL = 'curl -L -H "Authorization: Bearer $API_KEY"  $FRAMES_URL > $FRAMES_FILE_LOCATION'
PYTHON = """\
import requests

headers = {'Authorization': f"Bearer {API_KEY}"}
ndjson_response = requests.get(frames_url, headers=headers)
"""
LENGTH = 10

Clips = tuple[ServedWorld, list[str]]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clips]:
    with serve_clips(tmp_path_factory.mktemp("clips"), long=LENGTH) as served:
        yield served


@pytest.fixture(params=["redirect", "redirect_elsewhere", "direct"])
def answering(request: pytest.FixtureRequest, clips: Clips) -> Clips:
    clips[0].own.switches.set(frames=request.param)
    return clips


def numbers(body: str) -> list[int]:
    return [json.loads(line)["frameNumber"] for line in body.splitlines()]


@pytest.mark.known("documented")
def test_the_curl_line_works_as_printed(answering: Clips, tmp_path: Path) -> None:
    server, labels = answering
    place = tmp_path / "frames.ndjson"
    variables = {
        "API_KEY": server.api_key,
        "FRAMES_URL": f"{server.url}/v1/frames/{labels[SHORT]}",
        "FRAMES_FILE_LOCATION": str(place),
    }
    subprocess.run(["bash", "-c", CURL], env={**os.environ, **variables}, check=True, capture_output=True, timeout=60)
    assert numbers(place.read_text()) == list(range(1, LENGTH + 1))


@pytest.mark.known("documented")
def test_the_python_lines_work_as_printed(answering: Clips) -> None:
    server, labels = answering
    values = f"API_KEY = {server.api_key!r}\nframes_url = '{server.url}/v1/frames/{labels[SHORT]}'\n"
    program = values + PYTHON + "print(ndjson_response.text)\n"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert finished.returncode == 0, finished.stderr
    assert numbers(finished.stdout.strip()) == list(range(1, LENGTH + 1))


@pytest.mark.known("documented")
def test_the_python_lines_get_an_empty_204_for_a_skipped_label(clips: Clips) -> None:
    server, labels = clips
    names: dict[str, Any] = {"API_KEY": server.api_key, "frames_url": f"{server.url}/v1/frames/{labels[SKIPPED]}"}
    exec(PYTHON, names)
    assert (names["ndjson_response"].status_code, names["ndjson_response"].text) == (204, "")


@pytest.mark.known("documented")
def test_the_postman_steps_work_as_printed(clips: Clips) -> None:
    server, labels = clips
    server.own.switches.set(frames="redirect")
    finished = newman.run(base_url=server.url, api_key=server.api_key, label_id=labels[SHORT])
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_the_collection_finds_a_label_of_its_own(server: ServedWorld) -> None:
    finished = newman.run(base_url=server.url, api_key=server.api_key)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_the_page_prints_these_lines() -> None:
    page = (newman.COLLECTION.parent / "from-v1-to-v2.md").read_text("utf-8")
    assert f"```shell\n{CURL}\n```" in page
    assert f"```python\n{PYTHON}```" in page


def test_the_collection_fails_where_the_key_is_wrong(clips: Clips) -> None:
    server, labels = clips
    finished = newman.run(base_url=server.url, api_key="wrong", label_id=labels[SHORT])
    assert finished.returncode == 1
    assert "the frames are there" in finished.stdout


def test_the_collection_is_served_beside_the_page(clips: Clips) -> None:
    answer = get(clips[0], "/docs/postman_collection.json")
    assert answer.json == json.loads(newman.COLLECTION.read_text())
