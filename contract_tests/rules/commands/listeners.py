"""`mockserver webhook listen` as a process, for tests."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from contract_tests.forking import COMMAND, Program


@contextmanager
def run_listener(
    *arguments: str, popen: type[subprocess.Popen[str]] = Program
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The listener's URL, and its process, whose greeting has been read."""
    command = [*COMMAND, "webhook", "listen", "--port", "0", *arguments]
    with popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        greeting = process.stderr if "json" in arguments else process.stdout
        try:
            assert greeting is not None
            yield greeting.readline().split()[2], process
        finally:
            process.kill()
