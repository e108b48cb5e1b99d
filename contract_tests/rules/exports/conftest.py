from pathlib import Path

import pytest

from contract_tests.rules.exports.memory_results import MemoryResults
from mockserver.exports.folder_results import FolderResults
from mockserver.exports.results import Results


@pytest.fixture(params=["folder", "memory"])
def results(request: pytest.FixtureRequest, tmp_path: Path) -> Results:
    """Each implementation of the interface, empty."""
    return FolderResults(tmp_path) if request.param == "folder" else MemoryResults()
