"""Requests per second over 16 kept connections: by wrk where it is installed, else by a raw client.

The raw client is this module as a program, in a process of its own.
"""

import asyncio
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from urllib.parse import urlsplit

from benchmarks.processes import read_findings, start_child

CONNECTIONS = 16


def name_generator() -> str:
    return "wrk" if shutil.which("wrk") else "raw asyncio client"


def measure_rate(url: str, seconds: float, *, body: str = "", api_key: str = "") -> float:
    """Answers per second; POST if there is a body."""
    if shutil.which("wrk"):
        return measure_with_wrk(url, seconds, body, api_key)
    return float(read_findings(start_child("benchmarks.load", url=url, seconds=seconds, body=body, api_key=api_key)))


def measure_with_wrk(url: str, seconds: float, body: str, api_key: str) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(f'wrk.method = "{"POST" if body else "GET"}"\nwrk.body = {json.dumps(body)}\n')
        script.write('wrk.headers["Content-Type"] = "application/json"\n')
        script.write(f'wrk.headers["Authorization"] = "Bearer {api_key}"\n')
        script.flush()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", script.name, url]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in output, output
    match = re.search(r"Requests/sec:\s+([\d.]+)", output)
    assert match is not None, output
    return float(match[1])


async def measure_with_client(*, url: str, seconds: float, body: str, api_key: str) -> float:
    parts = urlsplit(url)
    method = "POST" if body else "GET"
    request = (
        f"{method} {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {api_key}\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}"
    ).encode()
    deadline = time.monotonic() + seconds
    clients = (send_repeatedly(parts.hostname or "", parts.port or 80, request, deadline) for _ in range(CONNECTIONS))
    return sum(await asyncio.gather(*clients)) / seconds


async def send_repeatedly(host: str, port: int, request: bytes, deadline: float) -> int:
    """Sends the request again and again on one connection; returns how many were answered."""
    reader, writer = await asyncio.open_connection(host, port)
    answered = 0
    while time.monotonic() < deadline:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head.partition(b"\r\n")[0], head
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        assert length is not None, head
        await reader.readexactly(int(length[1]))
        answered += 1
        if b"connection: close" in head.lower():  # a server that keeps no connection, like moto's
            writer.close()
            reader, writer = await asyncio.open_connection(host, port)
    writer.close()
    return answered


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure_with_client(**json.loads(sys.argv[1])))))
