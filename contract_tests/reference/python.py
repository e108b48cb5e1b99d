"""The page of all public names of the harness, from their signatures and docstrings."""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from importlib import import_module
from typing import Any

HEAD = """# Reference of the Python package

Written by `make fixtures` from signatures and docstrings. The fixtures of pytest and their use are on
[its page](pytest.md).
"""
WIDTH = 100
"""Characters of a signature on one line."""
PUBLIC: dict[str, tuple[str, ...]] = {
    "mockserver.testing": ("MockServer", "MockWorkspace", "MockServerError", "ServerDiedError", "ControlRefusedError"),
    "mockserver.testing.clock": ("Clock",),
    "mockserver.testing.progression": ("Progression",),
    "mockserver.testing.switches": ("Switches",),
    "mockserver.testing.fault": ("Fault",),
    "mockserver.testing.rows": ("WrongRowsError",),
    "mockserver.testing.container": ("MockServerContainer",),
    "mockserver.testing.schemas": ("names", "load", "read", "find_references"),
    "mockserver.testing.strategies": (
        *("data_rows", "annotations_v2", "metadata_fields", "labels_v1", "frames", "webhook_bodies"),
        *("result_files", "result_files_v1", "payloads"),
    ),
    "mockserver.certification": ("certify", "Report", "as_text", "as_json", "as_junit", "as_html"),
    "mockserver.contract": ("contract_cases",),
}
"""Modules, and the names in them that a user's tests may rely on."""
STARS: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
CREATED_BY_USERS = {"MockServer", "MockServerContainer"}
"""Classes of which users create objects; others are attributes of those, or are returned."""


def describe_python() -> str:
    """Describes every public name, module by module."""
    return "\n".join([HEAD, *(line for module, names in PUBLIC.items() for line in _describe_module(module, names))])


def _describe_module(name: str, names: tuple[str, ...]) -> Iterator[str]:
    module = import_module(name)
    yield f"## {name}\n"
    yield f"{_read(module)}\n"
    for public in names:
        yield from _describe(public, getattr(module, public))


def _describe(name: str, value: Any) -> Iterator[str]:
    yield f"### {name}\n"
    if not inspect.isclass(value) or name in CREATED_BY_USERS:
        yield from _signature(name, value, skip_first=False)
    yield f"{_read(value)}\n"
    if inspect.isclass(value):
        yield from _describe_members(value)


def _describe_members(value: type) -> Iterator[str]:
    rows = [*_fields(value), *_properties(value)]
    if rows:
        yield "| attribute | type | meaning |\n|---|---|---|"
        yield from (
            f"| `{name}` | {_code(type_)} | {meaning} |".replace("|  |", "| |") for name, type_, meaning in rows
        )
        yield ""
    for name, member in vars(value).items():
        function = member.__func__ if isinstance(member, classmethod) else member
        if inspect.isfunction(function) and not name.startswith("_"):
            owner = f"{value.__name__}." if isinstance(member, classmethod) else ""
            yield f"#### {value.__name__}.{name}\n"
            yield from _signature(owner + name, function, skip_first=True)
            if inspect.getdoc(function):
                yield f"{_read(function)}\n"


def _fields(value: type) -> Iterator[tuple[str, str, str]]:
    """The fields of a struct."""
    for name in getattr(value, "__struct_fields__", ()):
        yield name, str(value.__annotations__[name]), ""


def _properties(value: type) -> Iterator[tuple[str, str, str]]:
    for name, member in vars(value).items():
        getter = member.func if isinstance(member, cached_property) else getattr(member, "fget", None)
        if getter is not None and not name.startswith("_"):
            meaning = _read(member).partition("\n\n")[0].replace("\n", " ")
            yield name, str(inspect.signature(getter).return_annotation), meaning


def _signature(name: str, function: Callable[..., Any], *, skip_first: bool) -> Iterator[str]:
    signature = inspect.signature(function)
    parameters = list(_parameters(list(signature.parameters.values())[1 if skip_first else 0 :]))
    returned = "" if inspect.isclass(function) else f" -> {signature.return_annotation}"
    line = f"{name}({', '.join(parameters)}){returned}"
    broken = "\n".join([f"{name}(", *(f"    {parameter}," for parameter in parameters), f"){returned}"])
    yield f"```python\n{line if len(line) <= WIDTH else broken}\n```\n"


def _parameters(parameters: list[inspect.Parameter]) -> Iterator[str]:
    starred = False
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            yield "*"
        starred = starred or parameter.kind in {parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL}
        stars = STARS.get(parameter.kind, "")
        default = "" if parameter.default is parameter.empty else f" = {_default(parameter.default)}"
        yield f"{stars}{parameter.name}: {parameter.annotation}{default}"


def _default(value: Any) -> str:
    """Writes a default; this machine's interpreter by the name under which every machine has its own."""
    return "sys.executable" if value == sys.executable else repr(value)


def _code(text: str) -> str:
    return "`" + text.replace("|", r"\|") + "`"


def _read(value: Any) -> str:
    """Returns the docstring, with links to the pages that it names."""
    text = inspect.getdoc(value) or ""
    return re.sub(r"docs/([\w-]+)\.md", r"[\1](\1.md)", text)
