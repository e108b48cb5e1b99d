"""The words that a field of a struct takes: msgspec says only that a word is none of them."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from mockserver.errors import nearest, quote

Step = str | int | None
"""A key, a number of a list, or None: any key of a dictionary."""


def split_path(path: str) -> list[Step]:
    """`$.projects[0].name` -> `projects`, 0, `name`. msgspec writes `[...]` for the keys of a dictionary."""
    steps: list[Step] = []
    for number, key in re.findall(r"\[(\d+|\.\.\.)\]|\.([^.\[\]]+)", path):
        steps.append(key or (None if number == "..." else int(number)))
    return steps


def list_words(kind: Any, path: str) -> list[str]:
    """The words that the value at a path of this type may be; empty where any text may be."""
    return list(dict.fromkeys(_list_words(msgspec.inspect.type_info(kind), split_path(path))))


def _list_words(info: msgspec.inspect.Type, steps: list[Step]) -> list[str]:
    if isinstance(info, msgspec.inspect.Metadata):
        return _list_words(info.type, steps)
    if isinstance(info, msgspec.inspect.UnionType):
        return [word for part in info.types for word in _list_words(part, steps)]
    if not steps:
        return [str(value) for value in info.values] if isinstance(info, msgspec.inspect.LiteralType) else []
    step, *rest = steps
    if isinstance(info, msgspec.inspect.StructType):
        return [word for field in info.fields if field.encode_name == step for word in _list_words(field.type, rest)]
    if isinstance(info, msgspec.inspect.DictType):
        return _list_words(info.value_type, rest)
    if isinstance(info, (msgspec.inspect.ListType, msgspec.inspect.VarTupleType)):
        return _list_words(info.item_type, rest)
    return []


def describe_unknown_word(message: str, path: str, kind: Any) -> str | None:
    """The word that msgspec refused, and all that are known, nearest first; None if the message is another one."""
    match = re.search(r"Invalid enum value '?(.+?)'?$", message)
    known = list_words(kind, path) if match else []
    if match is None or not known:
        return None
    return f"{match[1]!r} is not known; expected one of {quote(nearest(match[1], known, most=len(known)))}"
