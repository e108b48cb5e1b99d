"""From the canonical body to the form an export asks for: steps over the parsed document.

The newest form with key frames only is the canonical one, which needs no step and is never parsed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from mockserver.world.labels import FEATURES

Document = dict[str, Any]
Step = Callable[[Document], Document]

STAND_IN = "\ufdd0".encode()
"""Stands for the feature prefix while a body is parsed: a noncharacter of Unicode, which no text interchanges."""


def formed(content: bytes, steps: list[Step]) -> bytes:
    """A body with every step taken, in their order. Its host and task are filled in already."""
    if not steps:
        return content
    document: Document = orjson.loads(content.replace(FEATURES, STAND_IN))
    for step in steps:
        document = step(document)
    return orjson.dumps(document).replace(STAND_IN, FEATURES)
