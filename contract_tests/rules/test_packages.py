"""Packages whose `__init__` is deferred: they are whole for anyone who uses a name of theirs."""

import importlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from types import SimpleNamespace

import pytest

from mockserver.packages import defer


def run(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package whose `__init__` counts how often it has run."""
    folder = tmp_path / "costly_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("from costly_package.inner import name\nfrom costly_package import other\n")
    (folder / "inner.py").write_text("name = 'inner'\n")
    (folder / "other.py").write_text("import costly_package.inner\nname = 'other'\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "costly_package"
    for module in [module for module in sys.modules if module.startswith("costly_package")]:
        del sys.modules[module]


def test_a_module_inside_is_imported_without_the_package(package: str) -> None:
    defer(package)
    assert importlib.import_module(f"{package}.inner").name == "inner"
    assert "costly_package.other" not in sys.modules


def test_a_name_of_the_package_is_found_by_its_own_code(package: str) -> None:
    defer(package)
    module = importlib.import_module(package)
    assert (module.name, module.other.name) == ("inner", "other")
    with pytest.raises(AttributeError, match="nothing"):
        _ = module.nothing


def test_a_name_whose_module_is_known_imports_only_that_module(package: str) -> None:
    defer(package, name=f"{package}.inner")
    assert importlib.import_module(package).name == "inner"
    assert f"{package}.other" not in sys.modules


def test_many_threads_find_a_name_that_is_first_used_by_all(package: str) -> None:
    defer(package)
    module = importlib.import_module(package)
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda _: module.name, range(64))) == {"inner"}


def test_a_function_with_the_name_of_its_module_is_found_while_another_thread_imports_the_package(
    package: str, tmp_path: Path
) -> None:
    """Until `__init__` has ended, the package has the module under that name, like `graphql.execution.execute`."""
    (tmp_path / package / "work.py").write_text("def work(): return 'done'\n")
    (tmp_path / package / "gate.py").write_text("import sys\nsys.gate.reached.set(); sys.gate.opened.wait(60)\n")
    beginning = f"import {package}.work, {package}.gate\nfrom {package}.work import work\n"
    (tmp_path / package / "__init__.py").write_text(f"{beginning}name = 'inner'\n")
    defer(package)
    module = importlib.import_module(package)
    gate = SimpleNamespace(reached=threading.Event(), opened=threading.Event())
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as threads:
        patch.setattr(sys, "gate", gate, raising=False)
        first = threads.submit(lambda: module.name)
        assert gate.reached.wait(60)
        second = threads.submit(lambda: module.work)
        wait([second], timeout=1)
        gate.opened.set()
        assert (first.result(60), second.result(60)()) == ("inner", "done")


def test_a_package_that_is_imported_stays_as_it_is(package: str) -> None:
    module = importlib.import_module(package)
    defer(package)
    assert sys.modules[package] is module


def test_a_package_that_is_not_installed_stays_unknown() -> None:
    defer("no_such_package_anywhere")
    assert "no_such_package_anywhere" not in sys.modules


def test_graphql_core_is_whole_after_the_engine_was_imported() -> None:
    program = "import mockserver.api.graphql.engine, graphql; schema = graphql.build_schema('type Query {a: Int}');"
    program += (
        "print(graphql.graphql_sync(schema, '{a}').data, graphql.__version__, graphql.execution.execute.__name__)"
    )
    import graphql

    assert run(program) == f"{{'a': None}} {graphql.__version__} execute"


def test_a_node_is_what_graphql_core_declares_although_it_was_completed_late() -> None:
    """Fields, equality, hash, immutability and the errors of the constructor."""
    program = """
import mockserver.api.graphql.engine, dataclasses
from graphql import FieldNode, NameNode, parse
def outcome(call):
    try:
        return call()
    except Exception as error:
        return type(error).__name__, str(error)
first, second = parse('{a(b: 1) {c}}', no_location=True), parse('{a(b: 1) {c}}', no_location=True)
node = NameNode(value='x')
print(first == second, hash(first) == hash(second), first == parse('{a}'), NameNode.keys, FieldNode.keys, first.keys)
print(outcome(lambda: setattr(node, 'value', 'y')), outcome(NameNode), outcome(lambda: NameNode(other=1)))
print(dataclasses.replace(node, value='z').value, first.to_dict())
"""
    plain = program.replace("mockserver.api.graphql.engine, ", "")
    assert run(program) == run(plain)
