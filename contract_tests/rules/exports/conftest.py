import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.rules.exports.memory_results import MemoryResults
from contract_tests.rules.worlds import build_database, open_store
from contract_tests.s3 import BUCKET, S3Server, s3_in_environment
from mockserver.exports.database_results import DatabaseResults
from mockserver.exports.folder_results import FolderResults
from mockserver.exports.object_results import ObjectRoot
from mockserver.exports.object_store import ObjectStore
from mockserver.exports.results import Results
from mockserver.world.store import Store


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


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The default world in a store, for the tests of a file."""
    with open_store(build_database(tmp_path_factory.mktemp("rows"))) as opened:
        yield opened


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Store]:
    """The default world in a store of the test's own."""
    with open_store(build_database(tmp_path)) as opened:
        yield opened
