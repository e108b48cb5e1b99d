"""Code and documents are written in plain English: docs/style.md, and `python -m contract_tests.style PATH…`."""

from pathlib import Path

import pytest

from contract_tests.style import check_code, check_document, check_paths
from contract_tests.style_words import PHRASES, render_table

REPOSITORY = Path(__file__).parents[2]

CLEAN = (
    "README.md",
    "benchmarks",
    "contract_tests/clients/matrix.py",
    "contract_tests/conftest.py",
    "contract_tests/crash",
    "contract_tests/known.py",
    "contract_tests/machine.py",
    "contract_tests/postgres.py",
    "contract_tests/receiving.py",
    "contract_tests/rules/api",
    "contract_tests/rules/commands",
    "contract_tests/rules/console",
    "contract_tests/rules/contract",
    "contract_tests/rules/control",
    "contract_tests/rules/exports/*.py",
    "contract_tests/rules/generate",
    "contract_tests/rules/http",
    "contract_tests/rules/installed.py",
    "contract_tests/rules/overlap.py",
    "contract_tests/rules/pages.py",
    "contract_tests/rules/proxy",
    "contract_tests/rules/serving",
    "contract_tests/rules/test_app.py",
    "contract_tests/rules/test_command_line.py",
    "contract_tests/rules/test_contributing.py",
    "contract_tests/rules/test_documents.py",
    "contract_tests/rules/test_errors.py",
    "contract_tests/rules/test_first_hour.py",
    "contract_tests/rules/test_json_doors.py",
    "contract_tests/rules/test_known.py",
    "contract_tests/rules/test_links.py",
    "contract_tests/rules/test_numbers.py",
    "contract_tests/rules/test_receivers_page.py",
    "contract_tests/rules/test_recipes.py",
    "contract_tests/rules/test_rooms.py",
    "contract_tests/rules/test_security_page.py",
    "contract_tests/rules/test_style.py",
    "contract_tests/rules/workspaces",
    "contract_tests/rules/world",
    "contract_tests/serving.py",
    "contract_tests/style.py",
    "contract_tests/style_words.py",
    "docs/architecture.md",
    "docs/ci.md",
    "docs/compatibility.md",
    "docs/contributing.md",
    "docs/control.md",
    "docs/decisions.md",
    "docs/errors.md",
    "docs/first-hour.md",
    "docs/from-v1-to-v2.md",
    "docs/glossary.md",
    "docs/known.md",
    "docs/older-pythons.md",
    "docs/pytest.md",
    "docs/scenarios.md",
    "docs/schemas.md",
    "docs/security.md",
    "docs/faults.md",
    "docs/journal.md",
    "docs/settings.md",
    "docs/style.md",
    "docs/webhooks.md",
    "fixtures",
    "mockserver/__init__.py",
    "mockserver/__main__.py",
    "mockserver/api",
    "mockserver/api/graphql/schema.py",
    "mockserver/app.py",
    "mockserver/certification",
    "mockserver/commands/bars.py",
    "mockserver/commands/contract.py",
    "mockserver/commands/execute.py",
    "mockserver/commands/generate.py",
    "mockserver/commands/listening.py",
    "mockserver/commands/options.py",
    "mockserver/commands/sending.py",
    "mockserver/commands/webhook.py",
    "mockserver/console",
    "mockserver/contract",
    "mockserver/control",
    "mockserver/errors.py",
    "mockserver/exports/legacy",
    "mockserver/exports/*.py",
    "mockserver/folders.py",
    "mockserver/generate",
    "mockserver/http",
    "mockserver/faults",
    "mockserver/journal",
    "mockserver/imports",
    "mockserver/links.py",
    "mockserver/proxy",
    "mockserver/server.py",
    "mockserver/serving",
    "mockserver/settings.py",
    "mockserver/testing",
    "mockserver/webhooks",
    "mockserver/workspaces",
    "mockserver/world",
)
"""Rooms and pages without findings; add yours when `python -m contract_tests.style` finds nothing in it."""


@pytest.mark.parametrize("path", CLEAN)
def test_a_clean_room_stays_clean(path: str) -> None:
    paths = list(REPOSITORY.glob(path))
    assert paths, f"there is no {path}"
    assert check_paths(paths) == []


@pytest.mark.parametrize(
    ("source", "finding"),
    [
        ("def written_moment(): ...", "function 'written_moment' is not named by a verb"),
        ("async def _asked(): ...", "name it for request, query"),
        ("def of(): ...", "function 'of' is not named by a verb"),
        ("def f(asked): ...", "variable 'asked'"),
        ("def f():\n    found = 1", "variable 'found'"),
        ('def f():\n    """Of those of a row."""', "a docstring that begins with 'Of'"),
        ('def f():\n    """Remove it."""', "write: Removes"),
        ('"""The row stands in a table."""', "'stands'; write: is, are"),
        ('def f():\n    raise ValueError(f"{1} is none of this server\'s")', "write: unknown"),
        ("x = 1  # what the client told", "'told'; write: sent, reported"),
    ],
)
def test_each_kind_of_finding_is_named_with_the_better_word(source: str, finding: str) -> None:
    [(_, message)] = check_code(source)
    assert finding in message


@pytest.mark.parametrize(
    "source",
    [
        "def format_moment(): ...",
        "def feed(): ...",
        "def test_found(): ...",
        "class A:\n    @property\n    def deleted(self): ...",
        "@pytest.fixture\ndef kept(): ...",
        'def f():\n    """Marks the task FAILED."""',
        "TEXT = 'told'",
        "x = 1  # the JSON key `told` of the service",
    ],
)
def test_plain_code_has_no_findings(source: str) -> None:
    assert list(check_code(source)) == []


def test_prose_of_documents_is_checked_and_their_code_is_not() -> None:
    text = "It is told.\n\n```shell\ntold\n```\n\nThe key `told` of [it](https://told.example).\n"
    assert [line for line, _ in check_document(text)] == [1]


def test_long_lines_of_prose_are_found() -> None:
    assert [message for _, message in check_document("word " * 40)] == ["a line of 200 characters; break it before 160"]


@pytest.mark.parametrize("word", PHRASES, ids=lambda word: word.avoid)
def test_what_is_recommended_is_not_forbidden(word: object) -> None:
    assert [message for _, message in check_document(getattr(word, "use", ""))] == []


def test_the_word_list_of_the_page_is_the_table_of_the_check() -> None:
    page = (REPOSITORY / "docs/style.md").read_text()
    assert render_table() in page, f"docs/style.md, section Words, has to hold:\n{render_table()}"
