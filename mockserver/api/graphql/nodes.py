"""Imports graphql-core sooner: the classes of its nodes are completed when the first node of a class is created.

The decorator `dataclass` writes and compiles six functions for each class. For the 64 classes of `graphql.language.ast`
that takes a third of the import of graphql-core, and a document has nodes of some ten classes.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
from typing import Any

from mockserver.packages import defer

_OF_NODES = {"frozen": True, "kw_only": True, "repr": False}
"""The options of `graphql.language.ast.node_class`. Other classes are completed immediately."""
_dataclass: Any = dataclasses.dataclass
_completing = threading.RLock()


def import_core() -> None:
    """Imports graphql-core, if nobody has imported it yet."""
    if "graphql" in sys.modules:
        return
    for package in ("graphql", "graphql.execution"):
        defer(package)
    dataclasses.dataclass = _declare  # for the classes that are declared by this import
    try:
        import graphql.utilities  # noqa: F401, PLC0415  with this decorator; first, as graphql-core itself imports it
    finally:
        dataclasses.dataclass = _dataclass


def _declare(kind: type | None = None, /, **options: Any) -> Any:
    return _declare_node if kind is None and options == _OF_NODES else _dataclass(kind, **options)


def _declare_node(kind: Any) -> Any:
    """Declares the fields of a class. Its methods are compiled by the first call of its constructor."""

    def complete_and_initialize(self: Any, **values: Any) -> None:
        _complete(kind)
        self.__init__(**values)

    _dataclass(kw_only=True, init=False, repr=False, eq=False)(kind)
    kind.__init__ = complete_and_initialize
    return kind


def _complete(kind: Any) -> None:
    """Makes of a declared class what graphql-core declares it to be; of its bases first, as these are frozen too."""
    with _completing:
        if kind.__dataclass_params__.frozen:
            return
        for base in kind.__bases__:
            if dataclasses.is_dataclass(base):
                _complete(base)
        del kind.__init__
        _dataclass(**_OF_NODES)(kind)
