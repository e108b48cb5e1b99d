"""Values are converted into types by threads that begin at the same moment, and the process goes on."""

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "mockserver"
DOOR = PACKAGE / "conversion.py"
RACE = """
import sys, threading
from typing import Annotated, Literal

import msgspec

from mockserver.conversion import convert, decode

ROUNDS, THREADS = 300, 4
sys.setswitchinterval(1e-6)
for _ in range(ROUNDS):

    class Inner(msgspec.Struct):
        count: Annotated[int, msgspec.Meta(ge=0)] = 0
        word: Literal["x", "y"] | None = None
        lists: dict[str, list[int]] = {}

    class Outer(msgspec.Struct):
        inner: Inner
        several: list[Inner] = []
        share: Annotated[float, msgspec.Meta(gt=0)] = 1.0

    begin = threading.Barrier(THREADS)

    def use(number):
        begin.wait()
        if number % 2:
            convert({"inner": {"count": 1, "word": "x"}, "several": [{"count": 2}], "share": 2.0}, Outer)
        else:
            decode('[{"count": 1, "word": "y", "lists": {"a": [1]}}]', list[Inner])

    threads = [threading.Thread(target=use, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_threads_that_use_a_type_for_the_first_time_together_do_not_end_the_process() -> None:
    finished = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


def test_types_are_examined_by_one_module_alone() -> None:
    calls = [
        f"{file.relative_to(PACKAGE)}:{call.lineno}"
        for file in sorted(PACKAGE.rglob("*.py"))
        if file != DOOR
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call) and examines(call)
    ]
    assert calls == []


def examines(call: ast.Call) -> bool:
    """Whether a call lets msgspec examine a type."""
    name = ast.unparse(call.func)
    typed = len(call.args) > 1 or any(keyword.arg == "type" for keyword in call.keywords)
    return (
        name == "msgspec.convert"
        or (name in {"msgspec.json.decode", "msgspec.msgpack.decode", "msgspec.toml.decode"} and typed)
        or (name in {"msgspec.json.Decoder", "msgspec.msgpack.Decoder"} and bool(call.args or call.keywords))
    )
