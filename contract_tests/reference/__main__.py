"""`python -m contract_tests.reference` writes the generated pages."""

from contract_tests.reference import COMMAND_LINE_PAGE, CONTRACT_PAGE, PYTHON_PAGE
from contract_tests.reference.command_line import describe_command_line
from contract_tests.reference.contract import describe_contract
from contract_tests.reference.python import describe_python

COMMAND_LINE_PAGE.write_text(describe_command_line(), "utf-8")
CONTRACT_PAGE.write_text(describe_contract(), "utf-8")
PYTHON_PAGE.write_text(describe_python(), "utf-8")
