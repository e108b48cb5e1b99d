"""Names in the camel case of the service, which changes the keys of some objects that clients send."""

from __future__ import annotations

import re
from typing import Any

_SNAKE = re.compile(r"(?<=[A-Za-z0-9])_+([a-z0-9])")


def camelize(name: str) -> str:
    """`batch_size` as `batchSize`."""
    return _SNAKE.sub(lambda match: match[1].upper(), name)


def camelize_keys(value: Any) -> Any:
    """The value with the keys of its objects in camel case, at every depth."""
    if isinstance(value, list):
        return [camelize_keys(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {camelize(key): camelize_keys(item) for key, item in value.items()}
