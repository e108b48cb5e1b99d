"""The package of the distribution's own name: its commands and its pytest plugin.

Other products have a module `mockserver` too: MockServer's Python client, or a file of the user. So pytest and the
commands load this package, which imports `mockserver` only when it is used, and first checks whose it is.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

MARK = "A self-hosted mock of Labelbox's export side."
"""The beginning of our `mockserver/__init__.py`. The file is read, not imported: another's could do anything."""
MOST_READ = 200


def describe_foreign_module() -> str | None:
    """Says in one sentence which other module is imported by the name `mockserver`; None if it is the right one."""
    try:
        spec = importlib.util.find_spec("mockserver")
    except ValueError:  # a module without a spec was put into sys.modules
        spec = None
    if spec is None or spec.origin is None:
        places = list(spec.submodule_search_locations or []) if spec is not None else []
        taken = f"the folder {places[0]}, which has no __init__.py" if places else "nothing that can be imported"
    elif _is_ours(Path(spec.origin)):
        return None
    else:
        taken = spec.origin
    return (
        f"labelbox-mockserver needs its own module `mockserver`, but Python finds {taken}; rename that file, or "
        "install the other product in another environment and then labelbox-mockserver again"
    )


def _is_ours(file: Path) -> bool:
    try:
        with file.open(encoding="utf-8", errors="replace") as text:
            return MARK in text.read(MOST_READ)
    except OSError:
        return False
