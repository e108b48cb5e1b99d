"""Ends of a connection that no answer of HTTP brings about."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

POLL = 0.01
"""Seconds between two looks at what is not sent yet."""
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: to close sends a reset and not the end of the stream."""


async def reset_connection(transport: Any) -> None:
    """Resets a connection, once the bytes in front of that are with the system. The transport is an asyncio.Transport,
    and its socket can be a stand-in of one."""
    while transport.get_write_buffer_size() and not transport.is_closing():  # noqa: ASYNC110  the loop does not say when its buffer is empty
        await asyncio.sleep(POLL)
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
