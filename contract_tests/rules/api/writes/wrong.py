"""Wrong arguments, made of right ones: one place of them at a time has another value, is left out or is sent often."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

LONG = "x" * 20_000
NUL = "a\0b"
MANY = 20_000
NUMBERS: tuple[Any, ...] = (None, 0, -1, 2**31 - 1, 2**31, -(2**31) - 1, 1.5, -0.5, 1e300, True, "nobody", [], {})
OTHERS: dict[type, tuple[Any, ...]] = {
    str: (None, "", " ", "nobody", LONG, NUL, 7, 1.5, True, [], ["nobody"], {}, {"nobody": 1}),
    int: NUMBERS,
    float: NUMBERS,
    bool: (None, True, False, 0, "nobody", []),
    list: (None, [], [None], [[]], ["nobody"], [7], "nobody", 7, {}, [{}]),
    dict: (None, {}, {"nobody": 1}, {"id": None}, [], "nobody", 7),
}
"""Values in the place of one of each type: of the same type, on both sides of the bounds of Int, and of others."""
Path = tuple[str | int, ...]


class Edit(NamedTuple):
    """A place in right arguments, and what is different there."""

    path: Path
    what: str
    value: Any = None

    def apply(self, right: dict[str, Any]) -> dict[str, Any]:
        """Right arguments with another value at the place."""
        return dict(_change(right, self.path, self._edit))

    def _edit(self, value: Any) -> Any:
        if self.what == "left out":
            return _GONE
        if self.what == "twice":
            return [*value, *value]
        return value * (MANY // len(value)) if self.what == "many" else self.value

    def __str__(self) -> str:
        value = repr(self.value) if self.what == "other" else self.what
        return f"{'.'.join(map(str, self.path))}: {value[:60]}"


def list_edits(right: dict[str, Any], ids: list[str]) -> list[Edit]:
    """Every place with other values. `ids` are of things that are elsewhere, deleted or of another kind."""
    edits = []
    for path, value in _iterate_places(right):
        others = (*OTHERS.get(type(value), ()), *(ids if isinstance(value, str) and _IDS.fullmatch(value) else ()))
        edits += [Edit(path, "other", other) for other in others if other != value or type(other) is not type(value)]
        edits += [Edit(path, "twice")] * (isinstance(value, list) and value != [])
        edits += [Edit(path, "left out")] * isinstance(path[-1], str)
    return edits


def list_long_edits(right: dict[str, Any]) -> list[Edit]:
    """Every list with its items many times."""
    return [Edit(path, "many") for path, value in _iterate_places(right) if isinstance(value, list) and value]


def _iterate_places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every place in right arguments with its value: of a list the last item, so that those before it are right."""
    if path:
        yield path, value
    if isinstance(value, str) and value.startswith("{"):
        value = json.loads(value)
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _iterate_places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in list(enumerate(value))[-1:]:
            yield from _iterate_places(item, (*path, index))


_GONE = object()
_IDS = re.compile(r"c[0-9a-z]{24}|[0-9a-f-]{36}")


def _change(value: Any, path: Path, make: Callable[[Any], Any]) -> Any:
    """A copy of the value that is changed at a place."""
    if not path:
        return make(value)
    if isinstance(value, str):
        return json.dumps(_change(json.loads(value), path, make))
    key = path[0]
    if isinstance(value, list):
        return [_change(item, path[1:], make) if index == key else item for index, item in enumerate(value)]
    changed = {name: _change(item, path[1:], make) if name == key else item for name, item in value.items()}
    return {name: item for name, item in changed.items() if item is not _GONE}
