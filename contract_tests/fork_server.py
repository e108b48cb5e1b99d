"""Forks itself into programs: `python -m contract_tests.fork_server MODULE…`. Tests use it through forking.py.

It imports the modules, and takes orders from the socket that is its standard input. An order is one message: a program,
its arguments, environment and folder as JSON, and four descriptors: a socket for answers, and the standard streams.
The answers are the PID of the new process, and its exit status at the end. When the other end of the
socket for orders is closed, the server ends, and the processes that still run receive SIGTERM.
"""

import contextlib
import gc
import io
import json
import os
import random
import runpy
import select
import signal
import socket
import struct
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

NUMBER = struct.Struct("i")
LARGEST_ORDER = 1024 * 1024
DESCRIPTORS = 4
STREAMS = ("stdin", "stdout", "stderr")


class ForkServer:
    def __init__(self) -> None:
        self._orders = socket.socket(fileno=os.dup(sys.stdin.fileno()))
        self._running: dict[int, tuple[int, socket.socket]] = {}
        """The PIDs of processes and the sockets for their exit statuses, by the descriptors that become readable when
        they end."""

    def fork_until_the_end(self) -> dict[str, Any] | None:
        """Returns the order of a new process in that process, and None in the server when no order can follow."""
        while True:
            waited_for: list[Any] = [self._orders, *self._running]
            readable, _, _ = select.select(waited_for, [], [])
            for descriptor in self._running.keys() & readable:
                self._report_end(descriptor)
            if self._orders in readable:
                text, descriptors, _, _ = socket.recv_fds(self._orders, LARGEST_ORDER, DESCRIPTORS)
                if not text:
                    self._end_processes()
                    return None
                if self._fork(socket.socket(fileno=descriptors[0]), descriptors[1:]):
                    order: dict[str, Any] = json.loads(text)
                    return order

    def _fork(self, answers: socket.socket, streams: list[int]) -> bool:
        """Returns True in the new process, and False in the server."""
        pid = os.fork()
        if pid == 0:
            answers.close()
            self._become_a_program(streams)
            return True
        for stream in streams:
            os.close(stream)
        self._running[os.pidfd_open(pid)] = pid, answers
        send(answers, pid)
        return False

    def _become_a_program(self, streams: list[int]) -> None:
        """Takes the streams of the order, and closes the descriptors that belong to the server."""
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        self._orders.close()
        for descriptor, (_, answers) in self._running.items():
            os.close(descriptor)
            answers.close()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def _report_end(self, descriptor: int) -> None:
        pid, answers = self._running.pop(descriptor)
        os.close(descriptor)
        _, status = os.waitpid(pid, 0)
        with answers:
            send(answers, status)

    def _end_processes(self) -> None:
        for pid, _ in self._running.values():
            os.kill(pid, signal.SIGTERM)


def send(answers: socket.socket, number: int) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # nobody waits for it any more
        answers.send(NUMBER.pack(number))


def require_imports_only() -> None:
    """Raises AssertionError if a module has begun something that forks must not share."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    assert threads == 1, f"{threads - 1} threads were started, which a fork does not have"
    files = list_open_files()
    assert not files, f"files were opened, whose positions and locks forks would share: {files}"
    connections = sys.modules["apsw"].connections() if "apsw" in sys.modules else []
    assert not connections, f"SQLite must not be used across a fork: {connections}"
    generators = [thing for thing in gc.get_objects() if type(thing) is random.Random]
    own = random.seed.__self__  # type: ignore[attr-defined]  # the module's generator, which draws a new seed in a fork
    assert generators == [own], f"forks would draw the same numbers from {len(generators) - 1} generators"


def list_open_files() -> list[str]:
    """The open files of this process beside the standard streams."""
    links = [link for link in Path("/proc/self/fd").iterdir() if int(link.name) >= len(STREAMS)]
    return [str(link.readlink()) for link in links if link.is_symlink()]  # the folder is not open any more


def run(order: dict[str, Any]) -> None:
    """Runs the program in this process, as `python -m` does."""
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    for number, name in enumerate(STREAMS):
        open_stream(number, name)
    sys.path[0] = order["folder"]
    sys.argv = ["-m", *order["arguments"]]
    gc.unfreeze()
    runpy.run_module(order["program"], run_name="__main__", alter_sys=True)


def open_stream(number: int, name: str) -> None:
    """Opens a standard stream as an interpreter does: how it is buffered depends on what it is."""
    before = getattr(sys, name)
    is_buffered = not isinstance(before.buffer, io.RawIOBase)
    buffer = open(number, f"{before.mode}b", -1 if is_buffered else 0, closefd=False)  # noqa: SIM115  it stays open
    raw: Any = getattr(buffer, "raw", buffer)
    raw.name = f"<{name}>"
    by_line = not before.write_through and (name == "stderr" or raw.isatty())
    after = io.TextIOWrapper(buffer, before.encoding, before.errors, "\n", by_line, before.write_through)
    after.mode = before.mode  # type: ignore[misc]  # as an interpreter sets it
    setattr(sys, name, after)
    setattr(sys, f"__{name}__", after)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl+C is for the programs, which receive it too
    for module in sys.argv[1:]:
        import_module(module)
    require_imports_only()
    gc.freeze()
    if (requested := ForkServer().fork_until_the_end()) is not None:
        run(requested)
