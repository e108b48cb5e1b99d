"""The names under which the distribution is found, and other products that have the name of its package."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mockserver import __version__

ENTRY_POINTS = Path(__file__).parents[2] / "mockserver" / "entry_points"
FOREIGN = "class MockServerClient: ...\nPORT = 1\n"
USES_IT = "def test_it(labelbox_mock): ...\n"


def run(*command: str, folder: Path, paths: list[Path] | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths or []))}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_commands_have_the_name_of_the_package_and_of_the_distribution() -> None:
    points = importlib.metadata.distribution("labelbox-mockserver").entry_points
    assert set(points.select(group="console_scripts").names) == {"mockserver", "labelbox-mockserver"}
    assert set(points.select(group="pytest11").names) == {"labelbox_mockserver"}


@pytest.mark.parametrize("module", ["mockserver", "labelbox_mockserver"])
@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_it_is_also_a_program_of_python(module: str, flag: str, tmp_path: Path) -> None:
    ended = run("-m", module, flag, folder=tmp_path)
    assert (ended.stdout, ended.returncode) == (f"mockserver, version {__version__}\n", 0)


@pytest.mark.parametrize("file", ["mockserver.py", "mockserver/__init__.py"])
def test_a_foreign_module_is_named_in_one_sentence(file: str, tmp_path: Path) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(FOREIGN)
    ended = run("-m", "labelbox_mockserver", "--version", folder=tmp_path, paths=[tmp_path])
    assert (ended.returncode, ended.stdout) == (2, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith("mockserver: labelbox-mockserver needs its own module `mockserver`, but Python finds ")
    assert str(tmp_path / file) in line


def test_a_package_that_lost_its_init_file_is_named_too(tmp_path: Path) -> None:
    """Another product with that name leaves such a folder when it is uninstalled."""
    (tmp_path / "mockserver" / "testing").mkdir(parents=True)
    isolated = f"import sys; sys.path += [{str(ENTRY_POINTS)!r}, {str(tmp_path)!r}]; import runpy; "
    ended = run("-I", "-S", "-c", isolated + "runpy.run_module('labelbox_mockserver')", folder=tmp_path)
    assert ended.returncode == 0, "imported, it does nothing"
    ended = run(
        "-I", "-S", "-c", isolated + "runpy.run_module('labelbox_mockserver', run_name='__main__')", folder=tmp_path
    )
    assert ended.returncode == 2
    assert f"the folder {tmp_path}/mockserver, which has no __init__.py" in ended.stderr


def test_a_session_with_a_module_of_that_name_runs_and_imports_its_own(tmp_path: Path) -> None:
    (tmp_path / "mockserver.py").write_text(FOREIGN)
    (tmp_path / "test_own.py").write_text("import mockserver\ndef test_it(): assert mockserver.PORT == 1\n")
    for command in (["-m", "pytest"], ["-c", "import pytest, sys; sys.exit(pytest.main())"]):
        ended = run(*command, "-q", "-p", "no:cacheprovider", folder=tmp_path)
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_test_that_needs_the_hidden_package_fails_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "mockserver.py").write_text(FOREIGN)
    (tmp_path / "test_own.py").write_text(USES_IT)
    ended = run("-m", "pytest", "-q", "-p", "no:cacheprovider", folder=tmp_path)
    assert ended.returncode == 1
    assert f"but Python finds {tmp_path / 'mockserver.py'}" in ended.stdout
    assert "Traceback" not in ended.stdout
