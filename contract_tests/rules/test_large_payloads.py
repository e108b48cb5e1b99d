"""docs/large-payloads.md: its recipes are run, with fewer rows, and give the undivided payload."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from contract_tests.rules.pages import blocks
from contract_tests.serving import environment_without_settings

PAGE = "large-payloads.md"
ROWS, FEWER = "--rows 1000000", "--rows 50"
GENERATE = (sys.executable, "-m", "mockserver", "generate")
PATIENCE = 200
"""Seconds for sixteen processes on a busy machine."""


def find_blocks(language: str) -> list[str]:
    return [block.text.replace(ROWS, FEWER) for block in blocks(language) if block.document == PAGE]


def run(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a script of the page, in which `mockserver` is the one of these tests."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = environment_without_settings() | {"PATH": programs} | variables
    ended = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended


@pytest.fixture(scope="module")
def whole() -> bytes:
    """The undivided payload."""
    command = [*GENERATE, "--media", "image", "--rows", "50", "--seed", "7", "-o", "-"]
    return subprocess.run(
        command, env=environment_without_settings(), capture_output=True, timeout=PATIENCE, check=True
    ).stdout


def test_the_recipe_for_xargs_joins_to_the_undivided_payload(tmp_path: Path, whole: bytes) -> None:
    [first], [recipe, _] = find_blocks("shell"), find_blocks("bash")
    printed = run(recipe, tmp_path).stdout
    assert (tmp_path / "images.ndjson").read_bytes() == whole
    assert f"sha256 of the joined file: {hashlib.sha256(whole).hexdigest()}" in printed
    third = (tmp_path / "images-00003-of-00016.ndjson").read_bytes()
    (tmp_path / "images-00003-of-00016.ndjson").unlink()
    run(first, tmp_path)
    assert (tmp_path / "images-00003-of-00016.ndjson").read_bytes() == third


def test_the_job_for_kubernetes_writes_a_part_for_each_index(tmp_path: Path, whole: bytes) -> None:
    [text] = find_blocks("yaml")
    job = yaml.safe_load(text)
    spec = job["spec"]
    assert (job["kind"], spec["completionMode"], spec["completions"]) == ("Job", "Indexed", 16)
    [container] = spec["template"]["spec"]["containers"]
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    assert mounts == {volume["name"] for volume in spec["template"]["spec"]["volumes"]}
    script = container["args"][0].replace("/payload", str(tmp_path))
    for index in ("0", "15"):
        run(script, tmp_path, JOB_COMPLETION_INDEX=index)
    first, last = ((tmp_path / f"images-{number:05}-of-00016.ndjson").read_bytes() for number in (1, 16))
    assert first
    assert whole.startswith(first)
    assert last
    assert whole.endswith(last)


def test_the_array_for_slurm_writes_a_part_for_each_task(tmp_path: Path, whole: bytes) -> None:
    _, script = find_blocks("bash")
    assert "--array=1-16" in script
    run(script, tmp_path, SLURM_ARRAY_TASK_ID="2", SLURM_ARRAY_TASK_COUNT="16")
    part = (tmp_path / "images-00002-of-00016.ndjson").read_bytes()
    assert part.count(b"\n") == 3
    assert part in whole
