"""Checks that code and documents are written in plain English: `python -m contract_tests.style PATH…`.

Prints `file:line: the word, and what to write instead`. The words are in style_words.py, the habits in docs/style.md.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

from contract_tests.style_words import (
    ADVERBS,
    OPENING_PHRASES,
    OPENINGS,
    PARTICIPLE_HINTS,
    PHRASES,
    THIRD_PERSON,
    VARIABLES,
    is_participle,
)

REPOSITORY = Path(__file__).parents[1]
LONGEST_LINE = 160
LONGEST_CELL = 200
OWN_HIDDEN_FOLDERS = {".ci", ".github"}
Finding = tuple[int, str]
Function = ast.FunctionDef | ast.AsyncFunctionDef

PUBLIC = {
    "changed_since": "an operation in the protocol of the contract",
    "expected_rows": "part of the public interface of MockWorkspace",
    "reading": "the context manager of a store, which every room uses",
}
"""Functions whose names other people rely on, each with its reason."""
ANY_PHRASE = re.compile("|".join(f"(?:{word.pattern.pattern})" for word in PHRASES if word.pattern), re.IGNORECASE)
"""Most lines have no finding, and one search shows it."""
COLUMNS = {"told": "a column of the table of Export V1 files"}
"""Fields of records that are called as in databases that exist, each with its reason."""


def check_paths(paths: list[Path]) -> list[str]:
    """Every finding in these files and folders, as `file:line: message`."""
    files = [file for path in paths for file in list_files(path)]
    return [f"{format_path(file)}:{line}: {message}" for file in files for line, message in check_file(file)]


def list_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = (file for suffix in ("*.py", "*.md") for file in path.rglob(suffix))
    return sorted(file for file in files if not is_built(file.relative_to(path)))


def is_built(file: Path) -> bool:
    """Whether a file is in a folder that a build or a tool has written."""
    return any(part == "build" or (part.startswith(".") and part not in OWN_HIDDEN_FOLDERS) for part in file.parts[:-1])


def format_path(file: Path) -> str:
    resolved = file.resolve()
    return str(resolved.relative_to(REPOSITORY) if resolved.is_relative_to(REPOSITORY) else file)


def check_file(file: Path) -> list[Finding]:
    text = file.read_text()
    return sorted(set(check_document(text) if file.suffix == ".md" else check_code(text, find_field_names(file))))


# Documents


def check_document(text: str) -> Iterator[Finding]:
    for line, prose in list_prose(text):
        yield from check_phrases(line, prose)
        if len(prose) > LONGEST_LINE and not prose.startswith("|"):
            yield line, f"a line of {len(prose)} characters; break it before {LONGEST_LINE}"
        if prose.startswith("|") and (longest := max(map(len, prose.split("|")))) > LONGEST_CELL:
            yield line, f"a cell of {longest} characters; move the details below the table"


def list_prose(text: str) -> Iterator[tuple[int, str]]:
    """Line numbers and lines outside of fenced blocks, without inline code and without the addresses of links."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, re.sub(r"\]\([^)]*\)", "]", remove_code(line))


def remove_code(text: str) -> str:
    """The text with quoted names and quotations replaced: they are not our words."""
    return re.sub(r"`[^`]*`|“[^”]*”", "`x`", text)


def check_phrases(line: int, text: str) -> Iterator[Finding]:
    prose = remove_code(text)
    if ANY_PHRASE.search(prose) is None:
        return
    for word in PHRASES:
        assert word.pattern is not None
        if match := word.pattern.search(prose):
            yield line, f"{match[0]!r}; write: {word.use}"


# Code


def check_code(text: str, fields: frozenset[str] = frozenset()) -> Iterator[Finding]:
    nodes = list(ast.walk(ast.parse(text)))
    columns = set(list_columns(nodes))
    for node in nodes:
        if isinstance(node, Function) and node.name not in fields:
            yield from check_name(node)
        if isinstance(node, Function | ast.ClassDef | ast.Module):
            yield from check_docstring(node)
        if isinstance(node, ast.Raise):
            yield from check_message(node)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in columns:
            yield from check_variable(node.lineno, node.id)
        if isinstance(node, ast.arg):
            yield from check_variable(node.lineno, node.arg)
    yield from check_comments(text)


def list_columns(nodes: list[ast.AST]) -> Iterator[ast.expr]:
    """The names of fields of classes that are in COLUMNS."""
    classes = (node for node in nodes if isinstance(node, ast.ClassDef))
    fields = (field.target for each in classes for field in each.body if isinstance(field, ast.AnnAssign))
    return (field for field in fields if isinstance(field, ast.Name) and field.id in COLUMNS)


def check_name(node: Function) -> Iterator[Finding]:
    """A function is named by a verb; a test is named by a sentence, whose words are checked."""
    decorators = " ".join(ast.unparse(decorator) for decorator in node.decorator_list)
    if node.name.startswith("test_"):
        yield from check_phrases(node.lineno, node.name.replace("_", " "))
    if node.name.startswith(("__", "test_")) or node.name in PUBLIC or re.search("property|fixture|setter", decorators):
        return
    word = node.name.lstrip("_").split("_")[0]
    if is_participle(word) or word in ADVERBS:
        hint = PARTICIPLE_HINTS.get(word, "what it does (find_, build_, format_, count_, is_ …)")
        yield node.lineno, f"function {node.name!r} is not named by a verb; name it for {hint}"


def check_docstring(node: Function | ast.ClassDef | ast.Module) -> Iterator[Finding]:
    text = ast.get_docstring(node, clean=False)
    if not text:
        return
    line = node.body[0].lineno
    first = re.split(r"[\s,:;.]", text.lstrip(), maxsplit=1)[0]
    if first in OPENINGS or text.lstrip().startswith(OPENING_PHRASES):
        yield line, f"a docstring that begins with {first!r}; begin with a noun, or with a verb: 'Returns …'"
    if isinstance(node, Function) and first in THIRD_PERSON:
        yield line, f"a docstring that begins with {first!r}; write: {THIRD_PERSON[first]}"
    for offset, part in enumerate(text.splitlines()):
        yield from check_phrases(line + offset, part)


def check_message(node: ast.Raise) -> Iterator[Finding]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield from check_phrases(part.lineno, part.value)


def check_variable(line: int, name: str) -> Iterator[Finding]:
    if name.lstrip("_") in VARIABLES:
        yield line, f"variable {name!r}; name the thing it holds (label, matches, request …)"


def check_comments(text: str) -> Iterator[Finding]:
    if not any("#" in line and ANY_PHRASE.search(line) for line in text.splitlines()):
        return  # to find the tokens takes long
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield from check_phrases(token.start[0], token.string)


def find_field_names(file: Path) -> frozenset[str]:
    """Names of GraphQL fields in snake case: a resolver has the name of its field (`created_by`)."""
    if "resolvers" not in file.parts:
        return frozenset()
    schemas = (REPOSITORY / "mockserver").rglob("*.graphql")
    names = {name for schema in schemas for name in re.findall(r"^\s+(\w+)[(:]", schema.read_text(), re.MULTILINE)}
    return frozenset(re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower() for name in names)


def main() -> int:
    paths = [Path(argument) for argument in sys.argv[1:]] or [REPOSITORY / "mockserver"]
    wrong = check_paths(paths)
    for line in wrong:
        print(line)
    print(f"{len(wrong)} found. Words and habits: docs/style.md.", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
