"""From the canonical body to the form an export asks for: steps over the parsed document.

The newest form with key frames only is the canonical one, which needs no step and is never parsed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.world.labels import parse_body, render_body

Document = dict[str, Any]
Step = Callable[[Document], Document]


def apply_steps(content: bytes, steps: list[Step]) -> bytes:
    """A body with every step taken, in their order. Its host and task are filled in already."""
    if not steps:
        return content
    document = parse_body(content)
    for step in steps:
        document = step(document)
    return render_body(document)
