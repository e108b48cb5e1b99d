"""The harness beside packages whose pins the server cannot meet: the server has an environment of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

from contract_tests.rules.pages import REPOSITORY

TEST = """
import importlib.util
import graphene

def test_an_export(labelbox_mock):
    assert labelbox_mock.expected_rows("image")
    assert graphene.VERSION[0] == 3
    assert importlib.util.find_spec("starlette") is None
"""
TOP_LEVEL = "import sys; before = set(sys.modules); import mockserver.testing.server, mockserver.testing.workspace"
THIRD = "; print(sorted({name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)))"


def uv(*arguments: str) -> None:
    ended = subprocess.run([find_uv_bin(), *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the harness, pytest, and graphene 3, which wants another graphql-core than the server."""
    folder = tmp_path_factory.mktemp("neighbours")
    python = folder / "environment" / "bin" / "python"
    uv("build", "--quiet", "--wheel", "--out-dir", str(folder), str(REPOSITORY))
    [wheel] = folder.glob("*.whl")
    uv("venv", "--quiet", "--python", sys.executable, str(folder / "environment"))
    uv("pip", "install", "--quiet", "--python", str(python), "--no-deps", str(wheel))
    uv("pip", "install", "--quiet", "--python", str(python), "pytest", "graphene>=3")
    return python


def test_the_harness_imports_the_standard_library_alone() -> None:
    ended = subprocess.run([sys.executable, "-c", TOP_LEVEL + THIRD], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "['mockserver']"


def test_one_line_of_configuration_gives_the_server_an_environment_of_its_own(python: Path, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TEST)
    place = {"LABELBOX_MOCKSERVER_CACHE": str(tmp_path / "cache")}
    path = os.pathsep.join([str(Path(find_uv_bin()).parent), os.environ["PATH"]])
    run = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    for _ in range(2):
        ended = subprocess.run(
            [*run, "-o", "labelbox_server_python=own"], cwd=tmp_path, env=os.environ | place | {"PATH": path},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "1 passed" in ended.stdout, ended.stdout
    assert len(list((tmp_path / "cache" / "environments").iterdir())) == 1


def test_without_that_line_the_failure_says_what_to_do(python: Path, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TEST)
    run = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ended = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert 'labelbox_server_python = "own"' in ended.stdout


def test_an_environment_that_cannot_be_made_is_an_error_with_its_reason(python: Path, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TEST)
    (tmp_path / "uv").write_text("#!/bin/sh\necho no network >&2; exit 3\n")
    (tmp_path / "uv").chmod(0o755)
    place = {"LABELBOX_MOCKSERVER_CACHE": str(tmp_path / "cache"), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    run = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "labelbox_server_python=own"]
    ended = subprocess.run(run, cwd=tmp_path, env=os.environ | place, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "could not be made" in ended.stdout
    assert "no network" in ended.stdout
    assert list((tmp_path / "cache" / "environments").iterdir()) == []
