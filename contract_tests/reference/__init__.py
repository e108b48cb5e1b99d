"""The generated pages of the documentation: every verb with its options, every public name of the harness,
every case and mistake of the contract."""

from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
COMMAND_LINE_PAGE = REPOSITORY / "docs/command-reference.md"
PYTHON_PAGE = REPOSITORY / "docs/python.md"
CONTRACT_PAGE = REPOSITORY / "docs/contract-cases.md"
