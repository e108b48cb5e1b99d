"""Fixtures for the rules of several rooms: the places that keep results."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.rules.results.memory_results import MemoryResults
from contract_tests.s3 import BUCKET, S3Server, s3_in_environment
from mockserver.results.database_results import DatabaseResults
from mockserver.results.folder_results import FolderResults
from mockserver.results.interface import Results
from mockserver.results.object_results import ObjectRoot
from mockserver.results.object_store import ObjectStore


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3 server, which no test stops."""
    with s3_in_environment() as server:
        yield server


@pytest.fixture(params=["folder", "memory", "postgres", "s3"])
def results(request: pytest.FixtureRequest, tmp_path: Path) -> Results:
    """Each implementation of the interface, empty."""
    if request.param == "postgres":
        return DatabaseResults(request.getfixturevalue("catalog").create_life(f"results-{secrets.token_hex(6)}"))
    if request.param == "s3":
        request.getfixturevalue("s3")
        return ObjectRoot(ObjectStore(f"s3://{BUCKET}/tests")).open(f"life-{secrets.token_hex(6)}")
    return FolderResults(tmp_path) if request.param == "folder" else MemoryResults()
