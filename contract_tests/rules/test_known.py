"""docs/known.md names every inferred fact that the code marks, and nothing that the code does not mark."""

import re

import pytest

from contract_tests.known import (
    ELSEWHERE,
    PACKAGE,
    PAGE,
    find_marks,
    list_marks_of_code,
    list_marks_of_schema,
    render_table,
)
from contract_tests.rules.pages import section, table


def test_the_table_of_marks_is_what_the_code_says() -> None:
    assert render_table() in PAGE.read_text(), "write it by `python -m contract_tests.known`"


def test_every_file_with_a_mark_is_explained_and_every_explained_file_has_one() -> None:
    rows = table(section("docs/known.md", "Inferred").partition("### Marks in the code")[0])
    explained = {name for row in rows for name in re.findall("`([^`]+)`", row[-1])}
    assert explained - set(ELSEWHERE) == set(find_marks())


@pytest.mark.parametrize("name", ELSEWHERE)
def test_files_whose_marks_are_shown_elsewhere_exist(name: str) -> None:
    assert (PACKAGE / name).is_file()


def test_a_mark_belongs_to_the_innermost_thing_around_it() -> None:
    source = '"""A module (inferred)."""\n\nLIMIT = 3\n"""A limit (inferred)."""\n'
    source += 'class A:\n    def b(self):\n        """(inferred)"""\n'
    assert list(list_marks_of_code(source)) == ["the module", "LIMIT", "A.b"]


def test_a_mark_in_a_description_belongs_to_what_is_described() -> None:
    schema = '"A number (inferred)."\nscalar Number\ntype A {\n  "Null (inferred)."\n  b: Number\n}\n'
    assert list(list_marks_of_schema(schema)) == ["Number", "A.b"]
