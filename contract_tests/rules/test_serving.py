"""The tests' own way to start a server: what it tells when that fails."""

import pytest

from contract_tests.serving import ServedWorld, ServerNotReady


def test_a_server_that_does_not_start_is_told_with_its_stderr() -> None:
    with pytest.raises(ServerNotReady, match=r"ended with status (.|\n)*Its stderr:(.|\n)*--no-such-option"):
        ServedWorld("--no-such-option").__enter__()


def test_a_world_outside_its_with_block_says_so() -> None:
    with pytest.raises(AssertionError, match="only inside its `with` block"):
        _ = ServedWorld().url
