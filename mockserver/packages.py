"""Packages of others of which only some modules are needed: their `__init__`, which imports all of them, runs when a
name of the package itself is first used."""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType

_MODULES, _RUNNING = "_deferred_modules", "_running"


def defer(name: str, /, **modules: str) -> None:
    """Lets the modules inside a package be imported without its `__init__`, unless the package is imported already.

    `modules` says of names of the package in which module they are: to use one of these imports only that module.
    """
    spec = None if name in sys.modules else find_spec(name)
    if spec is None:
        return
    package = module_from_spec(spec)
    package.__class__ = DeferredPackage
    vars(package)[_MODULES] = modules
    sys.modules[name] = package
    parent, _, inner = name.rpartition(".")
    if parent:  # as Python's own import does it
        setattr(sys.modules[parent], inner, package)


class DeferredPackage(ModuleType):
    """A package whose `__init__` has not run. Python asks `__getattr__` for the names that it does not have."""

    def __getattribute__(self, name: str) -> object:
        value = super().__getattribute__(name)
        # While another thread runs `__init__`, a module inside may still have a name that a function gets at its end.
        if isinstance(value, ModuleType):
            running: set[int] = vars(self).get(_RUNNING, set())
            if running and threading.get_ident() not in running:
                _run_init(self, running)
                return getattr(self, name)
        return value

    def __getattr__(self, name: str) -> object:
        if name in vars(self)[_MODULES]:
            return getattr(import_module(vars(self)[_MODULES][name]), name)
        running: set[int] = vars(self).setdefault(_RUNNING, set())
        if threading.get_ident() in running:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        _run_init(self, running)
        return getattr(self, name)


def _run_init(package: DeferredPackage, running: set[int]) -> None:
    """Runs `__init__` in this thread. Two threads may run it at the same time: each module inside is still imported
    once."""
    spec = package.__spec__
    assert spec is not None, "a deferred package was created from its spec"
    assert spec.loader is not None, "and its spec has a loader"
    running.add(threading.get_ident())
    try:
        spec.loader.exec_module(package)
    finally:
        running.discard(threading.get_ident())
    package.__class__ = ModuleType  # type: ignore[assignment]  # it is an ordinary module from here on
