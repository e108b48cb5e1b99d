"""The generated pages are those that the program would write now, and they leave nothing out."""

import re
from pathlib import Path

import click
import pytest

from contract_tests.reference import COMMAND_LINE_PAGE, CONTRACT_PAGE, PYTHON_PAGE
from contract_tests.reference.command_line import describe_command_line, find_commands
from contract_tests.reference.contract import describe_contract
from contract_tests.reference.python import PUBLIC, describe_python
from mockserver import testing
from mockserver.__main__ import main


def test_the_generated_pages_are_up_to_date() -> None:
    """`python -m contract_tests.reference` writes them."""
    assert COMMAND_LINE_PAGE.read_text("utf-8") == describe_command_line()
    assert PYTHON_PAGE.read_text("utf-8") == describe_python()
    assert CONTRACT_PAGE.read_text("utf-8") == describe_contract()


def test_every_verb_has_a_section_with_all_its_options() -> None:
    sections = dict(re.findall(r"^## (mockserver .*)\n([\s\S]*?)(?=^## |\Z)", describe_command_line(), re.MULTILINE))
    commands = dict(find_commands(main, "mockserver"))
    assert sections.keys() == commands.keys()
    for words, command in commands.items():
        for option in command.params:
            if isinstance(option, click.Option) and "Controls a running server." not in sections[words]:
                assert max(option.opts, key=len) in sections[words], words


def test_every_public_name_of_the_harness_is_described() -> None:
    assert set(PUBLIC["mockserver.testing"]) == set(testing.__all__)


@pytest.mark.parametrize("page", [COMMAND_LINE_PAGE, PYTHON_PAGE, CONTRACT_PAGE], ids=lambda path: str(path.name))
def test_nothing_of_this_machine_is_in_a_generated_page(page: Path) -> None:
    assert re.findall(r"/(?:home|root|usr|var)/.*| at 0x.*", page.read_text("utf-8")) == []
