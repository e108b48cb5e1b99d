import pytest

from contract_tests.rules.api.uploading import create_dataset
from mockserver.testing import MockWorkspace


@pytest.fixture
def dataset(empty: MockWorkspace) -> str:
    """An empty dataset in the empty world."""
    return create_dataset(empty)
