"""The marks "inferred" in the code, and their table in docs/known.md: `python -m contract_tests.known` writes it.

A mark is the word in a docstring, in the text under a constant, in a comment, or in a description of the schema.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "mockserver"
PAGE = REPOSITORY / "docs/known.md"
MARK = re.compile(r"\binferred\b")
TABLES = re.compile(r"(<!-- marks -->\n).*?(<!-- end of marks -->)", re.DOTALL)
ELSEWHERE = {
    "certification/cases.py": "its cases say themselves how they are known",
    "exports/dates.py": "shown in the table of what changed when",
    "exports/legacy/dates.py": "shown in the table of what changed when",
    "api/graphql/dates.py": "its days are inferred, not what changed",
}
"""Files with the word whose marks are shown elsewhere."""


def find_marks() -> dict[str, list[str]]:
    """File -> the names of the things in it that are marked, in the order of the file."""
    files = sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.graphql")])
    marks = {file.relative_to(PACKAGE).as_posix(): list(dict.fromkeys(list_marks(file))) for file in files}
    return {name: names for name, names in marks.items() if names and name not in ELSEWHERE}


def list_marks(file: Path) -> Iterator[str]:
    text = file.read_text()
    return list_marks_of_schema(text) if file.suffix == ".graphql" else list_marks_of_code(text)


def list_marks_of_code(text: str) -> Iterator[str]:
    """The innermost function or class around each mark, or the constant above it, or the module."""
    owners = list(list_owners(ast.parse(text).body, ""))
    for number, line in enumerate(text.splitlines(), 1):
        if MARK.search(line):
            around = [name for name, first, last in owners if first <= number <= last]
            yield around[-1] if around else "the module"


def list_owners(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, int, int]]:
    """(name, first line, last line) of functions, classes and constants; a text under a constant belongs to it."""
    for statement, following in zip(body, [*body[1:], None], strict=True):
        last = statement.end_lineno or statement.lineno
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield prefix + statement.name, statement.lineno, last
            yield from list_owners(statement.body, f"{prefix}{statement.name}.")
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            if isinstance(following, ast.Expr):
                last = following.end_lineno or last
            yield prefix + ast.unparse(target), statement.lineno, last


def list_marks_of_schema(text: str) -> Iterator[str]:
    """`Type.field` below each marked description; the type for a description of a type."""
    lines, kind = text.splitlines(), ""
    for number, line in enumerate(lines):
        if opened := re.match(r"(?:extend )?(?:type|input|enum|scalar|interface) (\w+)", line):
            kind = opened[1]
        if MARK.search(line):
            below = next((later for later in lines[number + 1 :] if re.match(r"\s*\w+", later)), "")
            inner = re.match(r"\s+(\w+)", below)
            outer = re.match(r"(?:type|input|enum|scalar|interface|union|directive) @?(\w+)", below)
            yield f"{kind}.{inner[1]}" if inner else outer[1] if outer else "the comments"


def render_table() -> str:
    rows = (f"| `{file}` | {', '.join(f'`{name}`' for name in names)} |" for file, names in find_marks().items())
    return "\n".join(("| file | marked |", "|---|---|", *rows)) + "\n"


def main() -> None:
    text = PAGE.read_text()
    assert TABLES.search(text), f"{PAGE} has lost the comment <!-- marks -->"
    PAGE.write_text(TABLES.sub(lambda match: match[1] + render_table() + match[2], text))


if __name__ == "__main__":
    main()
