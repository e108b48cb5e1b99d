"""The wheel holds what it should, and serves from an environment that has nothing else."""

import subprocess
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest
import requests
from uv import find_uv_bin

from contract_tests.serving import ServedWorld

REPOSITORY = Path(__file__).parents[2]

# One worker builds it, once.
pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--quiet", "--wheel", "--out-dir", str(folder), str(REPOSITORY))
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def wheel_names(wheel: Path) -> list[str]:
    return zipfile.ZipFile(wheel).namelist()


@pytest.mark.parametrize(
    "pattern",
    [
        "mockserver/py.typed",
        "mockserver/api/graphql/schema/*.graphql",
        "mockserver/*.sql",
        "mockserver/_fixtures/scenarios/*.toml",
        "mockserver/_fixtures/words/*",
        "mockserver/_fixtures/schemas/*.json",
        "mockserver/_fixtures/exports/*.ndjson",
        "mockserver/console/templates/*.html",
        "mockserver/console/static/console.js",
        "mockserver/_docs/*.md",
        "mockserver/_docs/zensical.toml",
        "*.dist-info/licenses/LICENSE",
    ],
)
def test_the_wheel_holds(wheel_names: list[str], pattern: str) -> None:
    assert [name for name in wheel_names if fnmatch(name, pattern)]


@pytest.mark.parametrize("pattern", ["*__pycache__*", "*.pyc", "*test*/test_*", "contract_tests/*", "benchmarks/*"])
def test_the_wheel_does_not_hold(wheel_names: list[str], pattern: str) -> None:
    assert [name for name in wheel_names if fnmatch(name, pattern)] == []


def test_an_empty_environment_serves_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    python = tmp_path / "environment" / "bin" / "python"
    uv("venv", "--quiet", str(tmp_path / "environment"))
    uv("pip", "install", "--quiet", "--python", str(python), str(wheel))
    with ServedWorld(python=python) as world:
        assert requests.get(f"{world.url}/_mock/health", timeout=60).status_code == 200


def test_the_lowest_dependencies_that_are_named_suffice(wheel: Path, tmp_path: Path) -> None:
    """Each bound is true: the progress bar, an export and a certification work with the oldest versions."""
    python = tmp_path / "environment" / "bin" / "python"
    uv("venv", "--quiet", str(tmp_path / "environment"))
    uv("pip", "install", "--quiet", "--python", str(python), "--resolution", "lowest-direct", f"{wheel}[testing]")
    rows = tmp_path / "rows.ndjson"
    command = [str(python), "-m", "mockserver", "generate", "--media", "text", "--rows", "3", "-o", str(rows)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, len(rows.read_text().splitlines())) == (0, 3), ended.stderr
    with ServedWorld(python=python) as world:
        assert world.own.expected_rows("image")
        assert world.own.simulate(days=1)["events"]


def uv(*arguments: str) -> None:
    finished = subprocess.run([find_uv_bin(), *arguments], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
