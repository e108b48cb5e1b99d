"""docs/contributing.md names files, tests and options that exist."""

import re
from pathlib import Path

import pytest

from contract_tests.rules.pages import REPOSITORY

TEXT = (REPOSITORY / "docs/contributing.md").read_text()
PATHS = sorted(set(re.findall(r"`((?:mockserver|contract_tests|fixtures)/[^`\s]*)`", TEXT)))


@pytest.mark.parametrize("path", PATHS)
def test_a_file_that_is_named_exists(path: str) -> None:
    assert (REPOSITORY / path).exists()


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("`MEDIA`", "mockserver/world/media.py"),
        ("`SDKS`", "contract_tests/clients/environments.py"),
        ("`CLIENTS`", "contract_tests/clients/clients.py"),
        ("`LEGACY`", "contract_tests/clients/clients.py"),
        ("`THOROUGH`", "contract_tests/clients/matrix.py"),
        ("`EventKind`", "mockserver/world/records/events.py"),
        ("`TOPICS`", "mockserver/world/records/events.py"),
        ("`@register`", "mockserver/control/happenings.py"),
        ("`MISBEHAVIOURS`", "mockserver/webhooks/misbehaviour.py"),
        ("`store.change()`", "mockserver/world/changes/labels.py"),
        ("--whole-matrix", "contract_tests/clients/matrix.py"),
        ("`fields.add_attributes`", "mockserver/api/graphql/resolvers/workflows.py"),
    ],
)
def test_a_name_that_is_explained_is_in_its_file(name: str, file: str) -> None:
    assert name in TEXT
    assert name.strip("`") in (REPOSITORY / file).read_text()


def test_every_room_of_tests_is_described() -> None:
    folders = {folder.name for folder in Path(REPOSITORY / "contract_tests").iterdir() if folder.is_dir()}
    assert {name for name in folders - {"__pycache__"} if f"`contract_tests/{name}/`" not in TEXT} == set()
