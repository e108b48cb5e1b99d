"""The choice of cases that each client tries, where a test has many clients and many cases (projects, params, dates …).

The oldest and the newest client of each generation try every case. The other clients try the first one: what differs
between them is how they ask and read, and not what they read. A test that is marked `thorough` differs from another one
in what is read alone, so the other clients leave it out. `--whole-matrix` runs all of it.
"""

from collections.abc import Iterator

import pytest

from contract_tests.clients.clients import ClientKind
from contract_tests.clients.environments import NEWEST

THOROUGH = frozenset(
    {
        *("sdk-3.37.0:export_v2_url", "sdk-3.78.2:export", "sdk-3.78.2:export_v2"),
        *("sdk-5.2.1:export", "sdk-6.10.0:export", f"sdk-{NEWEST}:export"),
        *("sdk-3.24.1:v1", "sdk-3.78.2:v1", "sdk-4.0.0:v1"),
        *("requests:streamable", "curl:rest"),
    }
)


def add_option(parser: pytest.Parser) -> None:
    parser.addoption("--whole-matrix", action="store_true", help="every client tries every case")


def drop_repetitions(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects the cases that only repeat, for another client, what a thorough client tries."""
    if config.getoption("--whole-matrix"):
        return
    repetitions = [item for item in items if is_repetition(item)]
    if repetitions:
        config.hook.pytest_deselected(items=repetitions)
        dropped = set(repetitions)
        items[:] = [item for item in items if item not in dropped]


def is_repetition(item: pytest.Item) -> bool:
    marks = {mark.name for mark in item.iter_markers()} & {"matrix", "thorough"}
    if not marks:
        return False
    callspec = getattr(item, "callspec", None)
    assert callspec is not None, f"{item.nodeid} is marked {' and '.join(marks)} and has no parameters"
    kinds = {name: value for name, value in callspec.params.items() if isinstance(value, ClientKind)}
    if any(kind.name in THOROUGH for kind in kinds.values()):
        return False
    return "thorough" in marks or any(callspec.indices[name] for name in other_parameters(callspec.params, kinds))


def other_parameters(parameters: dict[str, object], kinds: dict[str, ClientKind]) -> Iterator[str]:
    return (name for name in parameters if name not in kinds)
