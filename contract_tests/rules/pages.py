"""Reading the documentation as its tests need it: blocks, sections, tables, shortened answers.

Two rules for authors. A block whose first line is a comment with a file's name is that file. `…` matches anything:
a line, an item, a key, or the rest of a text.
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
PUBLISHED = False
"""Whether `pip install labelbox-mockserver` finds it: the one switch for the notes below."""
NOT_PUBLISHED = "Not on PyPI yet: in a clone of the repository, write `.` in place of `labelbox-mockserver`"
"""The note of each page that installs the package."""
PRINTED_URL = "http://127.0.0.1:8000"
CUT = "…"


@dataclass(frozen=True)
class Block:
    """A fenced block of a document."""

    document: str
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def file(self) -> str | None:
        """`test_export.py`, if the first line says `# test_export.py`."""
        match = re.match(r"# (\S+\.(?:py|toml|yml))\n", self.text)
        return match and match[1]


def blocks(*languages: str) -> list[Block]:
    return [block for path in DOCUMENTS for block in blocks_of(path) if block.language in languages]


def blocks_of(path: Path) -> list[Block]:
    return blocks_in(path.read_text(), path.name)


def blocks_in(text: str, document: str) -> list[Block]:
    return [
        Block(document, text.count("\n", 0, match.start()) + 1, match[1], match[2])
        for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    ]


def get_block(document: str, language: str) -> str:
    [text] = [block.text for block in blocks(language) if block.document == document]
    return text


def files_of(document: str) -> dict[str, str]:
    """Name -> content of the files that a page of docs/ asks readers to write."""
    return {block.file: block.text for block in blocks_of(REPOSITORY / "docs" / document) if block.file}


def shell_lines_of(document: str) -> list[str]:
    lines = [block.text for block in blocks_of(REPOSITORY / "docs" / document) if block.language == "shell"]
    return "".join(lines).splitlines()


def section(document: str, heading: str) -> str:
    """The text under a heading, up to the next of the same or a higher level."""
    text = (REPOSITORY / document).read_text()
    match = re.search(rf"^(##+) {re.escape(heading)}\n(.*?)(?=^##? |\Z)", text, re.DOTALL | re.MULTILINE)
    assert match is not None, f"{document} has no heading {heading!r}"
    return match[2]


def sections(text: str, level: int) -> dict[str, str]:
    """Heading of that level -> the text under it."""
    parts = re.split(rf"^{'#' * level} (.*)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def table(text: str) -> list[list[str]]:
    """The lines of the one table in a text, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def bare(cell: str) -> str:
    """`--host` without its backticks."""
    return cell.strip("`")


def differences(shortened: Any, real: Any, path: str = "$") -> list[str]:
    """The places in which a shortened JSON differs from the real one."""
    if isinstance(shortened, dict) and isinstance(real, dict):
        return dictionary_differences(shortened, real, path)
    if isinstance(shortened, list) and isinstance(real, list):
        items = [item for item in shortened if item != CUT]
        wrong = [] if len(items) == len(real) or CUT in shortened[-1:] else [f"{path}: {len(real)} items"]
        compared = zip(items, real, strict=False)
        return wrong + [text for index, pair in enumerate(compared) for text in differences(*pair, f"{path}[{index}]")]
    if isinstance(shortened, str) and isinstance(real, str) and fnmatchcase(real, as_pattern(shortened)):
        return []
    return [] if shortened == real else [f"{path}: {shortened!r} is {real!r}"]


def dictionary_differences(shortened: dict[str, Any], real: dict[str, Any], path: str) -> list[str]:
    """A key that is cut matches the only one, or all the rest."""
    if len(real) == 1 and len(shortened) == 1 and CUT in next(iter(shortened)):
        return differences(next(iter(shortened.values())), next(iter(real.values())), f"{path}.*")
    wrong = [] if CUT in shortened else [f"{path} also has {key}" for key in real.keys() - shortened.keys()]
    for key in shortened.keys() - {CUT}:
        wrong += differences(shortened[key], real.get(key), f"{path}.{key}")
    return wrong


def as_pattern(text: str) -> str:
    """For fnmatch: all but the cut is meant literally."""
    return re.sub(r"([\[*?])", r"[\1]", text).replace(CUT, "*")
