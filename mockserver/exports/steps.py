"""Steps over a parsed body, which turn the canonical form into the form of an export.

The canonical form is the newest form with key frames only. It needs no step and is never parsed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.world.records.labels import parse_body, render_body

Document = dict[str, Any]
Step = Callable[[Document], Document]


def apply_steps(content: bytes, steps: list[Step]) -> bytes:
    """Applies the steps to a body, in order. Its host and task are filled in already."""
    if not steps:
        return content
    document = parse_body(content)
    for step in steps:
        document = step(document)
    return render_body(document)
