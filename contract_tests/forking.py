"""Runs the program in forks of a process that has imported it: a start takes a quarter of a new interpreter's time.

Each run is a process of its own, with its own arguments, environment, folder, streams and exit status. Three things are
those of the fork server, which starts once in a test process: the hash seed, the memory of the imports, and the command
line that `ps` shows. Tests of starts, ends, memory and crashes start interpreters.
"""

import atexit
import functools
import json
import os
import pkgutil
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, AnyStr

from contract_tests.fork_server import NUMBER

PYTHON_M = [sys.executable, "-m"]
PROGRAM = "mockserver"
COMMAND = [*PYTHON_M, PROGRAM]
REPOSITORY = Path(__file__).parents[1]
OPTIONS = {"stdin", "stdout", "stderr", "cwd", "env", "text"}
READ_BY_INTERPRETERS = ("PYTHON", "LANG", "LC_", "LD_", "MALLOC_", "GLIBC_")
"""The beginnings of the names of variables that an interpreter reads before it runs a program. Each set of their values
has a fork server of its own."""
SERVING = ("mockserver.app", "mockserver.commands.serve", "mockserver.control.ready", "mockserver.server")
"""The modules that every start of a server imports. Other modules are imported by the fork, as by an interpreter."""
OF_OTHER_VERBS = ("certification", "commands", "contract", "generate")
"""The folders of modules that the other verbs import."""
OF_PYTEST = {"pytest_cases"}
"""Modules of these folders that only sessions of pytest import."""
_one_thread = threading.Lock()


class ForkedProgram(subprocess.Popen[AnyStr]):
    """A `subprocess.Popen` of `python -m PROGRAM`, whose process is forked by a fork server of this process.

    It takes the options that are listed, and no others: those start an interpreter.
    """

    _answers: socket.socket

    def __init__(self, command: list[str], **options: Any) -> None:
        if command[: len(PYTHON_M)] != PYTHON_M:
            raise ValueError(f"the command is {command}; expected {PYTHON_M} and a program; start others by Popen")
        if unknown := options.keys() - OPTIONS:
            raise TypeError(f"a fork cannot have the options {sorted(unknown)}; start an interpreter by Popen")
        super().__init__(command, **options)

    def _execute_child(self, args: list[str], *rest: Any) -> None:
        """Takes the place of fork and exec. The parameters are those of Popen, by position."""
        _, _, _, _, cwd, env = rest[:6]
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = rest[9:15]
        pipes = (p2cread, c2pwrite, errwrite)
        streams: list[int] = [own if pipe == -1 else pipe for own, pipe in enumerate(pipes)]
        _, _, program, *arguments = args
        environment = dict(os.environ if env is None else env)
        order = {"program": program, "arguments": arguments, "environment": environment}
        order["folder"] = os.fspath(Path.cwd() if cwd is None else Path(cwd).absolute())
        self._answers, answers = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with answers:
                server = get_fork_server(choose_modules(program, arguments), environment)
                socket.send_fds(server, [json.dumps(order).encode()], [answers.fileno(), *streams])
            self.pid = receive(self._answers)
        except BaseException:
            self._answers.close()
            raise
        finally:
            # typeshed does not know the private parts of Popen, here and in `_internal_poll`.
            self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # type: ignore[attr-defined]
        self._child_created = True

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        """Takes the place of `os.waitpid`, which knows only children of this process."""
        try:
            status = receive(self._answers, socket.MSG_DONTWAIT if wait_flags & os.WNOHANG else 0)
        except BlockingIOError:
            return 0, 0
        self._answers.close()
        return self.pid, status

    def _internal_poll(self, _deadstate: int | None = None, **_: Any) -> int | None:
        if not self._waitpid_lock.acquire(blocking=False):  # type: ignore[attr-defined]  # as above
            return None  # another thread waits for it
        try:
            if self.returncode is None:
                pid, status = self._try_wait(os.WNOHANG)
                if pid == self.pid:
                    self._handle_exitstatus(status)  # type: ignore[attr-defined]  # as above
        finally:
            self._waitpid_lock.release()  # type: ignore[attr-defined]  # as above
        return self.returncode


Program: Any = ForkedProgram if hasattr(os, "pidfd_open") else subprocess.Popen
"""Starts the program. Only Linux has what a fork server needs: on other systems the tests start interpreters."""


def run_forked(
    *arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None, text: bool = True, timeout: float
) -> subprocess.CompletedProcess[Any]:
    """Runs the program with these arguments to its end, and captures what it writes."""
    pipe = subprocess.PIPE
    with Program([*COMMAND, *arguments], stdout=pipe, stderr=pipe, env=env, cwd=cwd, text=text) as process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def receive(answers: socket.socket, flags: int = 0) -> int:
    """The next number of a fork server's answers. Raises ChildProcessError if the server has ended without one."""
    if not (answer := answers.recv(NUMBER.size, flags)):
        raise ChildProcessError("the fork server has ended: its error output says why")
    (number,) = NUMBER.unpack(answer)
    return int(number)


def choose_modules(program: str, arguments: list[str]) -> tuple[str, ...]:
    """The modules that are imported before the forks of a program."""
    if program != PROGRAM:
        return ()
    return SERVING if arguments[:1] == ["serve"] else list_modules_of_other_verbs()


@functools.cache
def list_modules_of_other_verbs() -> tuple[str, ...]:
    folders = {name: REPOSITORY / PROGRAM / name for name in OF_OTHER_VERBS}
    return tuple(
        f"{PROGRAM}.{name}.{module.name}"
        for name, folder in folders.items()
        for module in pkgutil.iter_modules([str(folder)])
        if module.name not in OF_PYTEST
    )


def get_fork_server(modules: tuple[str, ...], environment: Mapping[str, str]) -> socket.socket:
    """The socket for the orders of a fork server with these modules. Its interpreter has read the variables with the
    values that they have in this environment."""
    variables = frozenset((name, value) for name, value in environment.items() if name.startswith(READ_BY_INTERPRETERS))
    with _one_thread:
        return start_fork_server(modules, variables)


@functools.cache
def start_fork_server(modules: tuple[str, ...], variables: frozenset[tuple[str, str]]) -> socket.socket:
    """Starts a server that ends with this process, even if that is killed."""
    orders, read_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    other = {name: value for name, value in os.environ.items() if not name.startswith(READ_BY_INTERPRETERS)}
    with read_end:
        process = subprocess.Popen(
            [*PYTHON_M, "contract_tests.fork_server", *modules],
            stdin=read_end.fileno(), stdout=subprocess.DEVNULL, cwd=REPOSITORY, env=other | dict(variables),
        )  # fmt: skip
    atexit.register(stop_fork_server, process, orders)
    return orders


def stop_fork_server(process: subprocess.Popen[bytes], orders: socket.socket) -> None:
    orders.close()
    process.wait()
