"""The generated pages of the documentation: every verb with its options, and every public name of the harness."""

from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
COMMAND_LINE_PAGE = REPOSITORY / "docs/command-reference.md"
PYTHON_PAGE = REPOSITORY / "docs/python.md"
