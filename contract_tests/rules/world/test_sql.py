"""SQL lives in world/: other rooms compose conditions and name columns, and the world turns them into queries.

Allowed elsewhere are the texts that a `Clause` takes (conditions on columns, whose subqueries are built by
`world/queries/conditions.py`), names of columns for `select_columns`, and orders. A statement, a table, a join, or a
trick for the planner of an engine is not.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import mockserver

PACKAGE = Path(mockserver.__file__).parent
SQL = re.compile(
    r"\bSELECT\b|\bUPDATE\s+\w+\s+SET\b|\bINSERT\s+INTO\b|\bDELETE\s+FROM\b|\bJOIN\b|\bFROM\s+[\w{]|\bGROUP\s+BY\b|"
    r"\bCREATE\s+(?:TABLE|INDEX)\b|\bPRAGMA\b|\|\|"
)
RAW = ("run", "run_many", "rows", "row", "value", "pieces", "insert_rows", "script")
"""Methods of a connection that take SQL as it is."""


def violations(text: str) -> list[str]:
    """SQL in a module's code, which belongs in the world's room."""
    tree = ast.parse(text)
    docstrings = set(list_docstrings(tree))
    strings = [
        f"line {node.lineno}: {node.value.strip()[:60]}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node not in docstrings and SQL.search(node.value)
    ]
    return strings + [f"line {call.lineno}: {ast.unparse(call.func)}(…)" for call in raw_calls(tree)]


def list_docstrings(tree: ast.Module) -> Iterator[ast.expr]:
    """Texts that are statements of their own."""
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))


def raw_calls(tree: ast.Module) -> Iterator[ast.Call]:
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
    return (call for call in calls if re.search(rf"(connection|snapshot)\.({'|'.join(RAW)})$", ast.unparse(call.func)))


def test_no_sql_is_outside_the_world() -> None:
    others = [path for path in sorted(PACKAGE.rglob("*.py")) if PACKAGE / "world" not in path.parents]
    statements = {str(path.relative_to(PACKAGE)): violations(path.read_text("utf-8")) for path in others}
    assert {path: lines for path, lines in statements.items() if lines} == {}
    assert len(others) > 100


@pytest.mark.parametrize(
    "code",
    [
        'x = "SELECT id FROM label"',
        'x = f"id IN (SELECT id FROM {table})"',
        'x = "label l JOIN data_row dr ON dr.no = l.data_row_no"',
        'x = "UPDATE label SET deleted = TRUE"',
        "x = \"dataset_id || '' = :id\"",
        "connection.rows(sql, params)",
        "self._connection.value(sql)",
        "change.connection.run(sql)",
    ],
)
def test_sql_is_found_in_any_form(code: str) -> None:
    assert len(violations(code)) == 1


@pytest.mark.parametrize(
    "code",
    [
        'x = Clause("id = :id AND NOT deleted", id=record_id)',
        'x = connection.select_columns(Label, "id, no", Clause("no > :last", last=1), order="no")',
        'def f():\n    """SELECT id FROM label"""',
        'x = "DELETE /_mock/workspaces/{api_key}"',
        'x = "update your settings from the page"',
        "form.value(name)",
    ],
)
def test_conditions_columns_and_other_words_are_allowed(code: str) -> None:
    assert violations(code) == []
