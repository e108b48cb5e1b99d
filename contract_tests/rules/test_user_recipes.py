"""The recipes of the documentation: the files of each page, written into a folder, and their tests run."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from contract_tests.clients.environments import NEWEST
from contract_tests.rules.installed import active, environment
from contract_tests.rules.pages import REPOSITORY, blocks_of, files_of

NODE_PAGE = "node.md"
pytestmark = pytest.mark.xdist_group("recipes")


def list_recipes() -> list[str]:
    """The pages of the group in the site's order."""
    [pages] = [
        group["Recipes"]
        for group in tomllib.loads((REPOSITORY / "zensical.toml").read_text())["project"]["nav"]
        if "Recipes" in group
    ]
    return list(pages)


PAGES = [page for page in list_recipes() if page != NODE_PAGE and files_of(page)]


@pytest.fixture(scope="module")
def programs() -> Path:
    return environment("recipes", "labelbox-mockserver[testing]", f"labelbox=={NEWEST}", "pillow", "responses")


def test_the_recipes_pass_together(programs: Path, tmp_path: Path) -> None:
    """In one folder, so that one server is started for all of them."""
    files = {"conftest.py": files_of("pytest.md")["conftest.py"]}
    for page in PAGES:
        assert not files_of(page).keys() & files.keys(), f"{page} has a file of another page"
        files |= files_of(page)
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    command = [str(programs / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    finished = subprocess.run(command, cwd=tmp_path, env=active(programs), capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    functions = sum(len(re.findall(r"^def test_", text, re.MULTILINE)) for text in files.values())
    passed = re.search(r"(\d+) passed", finished.stdout)
    assert passed is not None
    assert int(passed[1]) >= functions


def test_the_client_in_node_passes_its_tests(programs: Path, tmp_path: Path) -> None:
    for block in blocks_of(REPOSITORY / "docs" / NODE_PAGE):
        name = re.match(r"// (\S+)\n", block.text)
        assert name is not None
        (tmp_path / name[1]).write_text(block.text)
    finished = subprocess.run(
        ["node", "--test"], cwd=tmp_path, env=active(programs), capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "pass 3" in finished.stdout
