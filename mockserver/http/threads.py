"""Calls that may take as long as a network does, kept off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def call_off_loop(remote: bool, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls a function: in a thread if it is `remote`, else on the loop, where it takes microseconds."""
    return await asyncio.to_thread(function, *args, **kwargs) if remote else function(*args, **kwargs)
