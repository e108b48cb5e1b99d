"""A server that lacks a package of its state says which one, and how it is installed."""

import subprocess
import sys

import pytest

SERVE = """
import sys
sys.modules[{package!r}] = None
from mockserver.__main__ import main
sys.argv = ["mockserver", "serve", "--state", "postgresql:///any"]
main()
"""


@pytest.mark.parametrize("package", ["lz4", "psycopg"])
def test_a_missing_package_of_postgresql_is_named(package: str) -> None:
    command = [sys.executable, "-c", SERVE.format(package=package)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr == (
        f"mockserver: --state postgresql://… needs {package}, which is not installed;"
        " pip install 'labelbox-mockserver[postgres]'\n"
    )
