"""Parts of an object that are imported and created when they are first used: a server is ready sooner without them, and
needs less memory."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class HasParts:
    """An object with parts."""

    def __init__(self) -> None:
        self._creating = threading.RLock()

    def list_created(self, *names: str) -> list[Any]:
        """Lists the parts that have been created, of those with these names."""
        with self._creating:
            return [vars(self)[name] for name in names if name in vars(self)]


class Part(Generic[T]):
    """A part. It is created once, from attributes of its owner, and then takes the place of this descriptor."""

    def __init__(self, target: str, attributes: str, *, keywords: str = "") -> None:
        """`target` is module and class, `attributes` names its arguments, `keywords` those that are passed by name."""
        self._target, self._attributes, self._keywords = target, attributes.split(), keywords.split()

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, owner: HasParts, _kind: type) -> T:
        with owner._creating:
            if self._name not in vars(owner):
                vars(owner)[self._name] = self._create(owner)
            part: T = vars(owner)[self._name]
            return part

    def _create(self, owner: HasParts) -> T:
        module, _, name = self._target.partition(":")
        create = getattr(import_module(module), name)
        arguments = (getattr(owner, attribute) for attribute in self._attributes)
        part: T = create(*arguments, **{attribute: getattr(owner, attribute) for attribute in self._keywords})
        return part
