"""Code and documents are written in plain English: docs/style.md, and `python -m contract_tests.style PATH…`."""

from pathlib import Path

import pytest

from contract_tests.style import check_code, check_document, check_paths
from contract_tests.style_words import PHRASES, render_table

REPOSITORY = Path(__file__).parents[2]

FOLDERS = (
    ".github",
    "CHANGELOG.md",
    "README.md",
    "benchmarks",
    "contract_tests",
    "docs",
    "fixtures",
    "mockserver",
)
"""All of the repository."""


@pytest.mark.parametrize("path", FOLDERS)
def test_code_and_documents_are_in_plain_english(path: str) -> None:
    assert (REPOSITORY / path).exists()
    assert check_paths([REPOSITORY / path]) == []


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
        ("def test_what_was_told(): ...", "'told'; write: sent, reported"),
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
