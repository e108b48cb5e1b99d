"""curl as a client's process: each request is a curl of its own."""

import json
import subprocess
from typing import Any

from contract_tests.clients import plain
from contract_tests.clients.conversation import converse

CURL = ("curl", "--silent", "--show-error", "--location", "--max-time", "60")


class CurlTransport:
    def post_json(self, url: str, body: object, headers: dict[str, str]) -> Any:
        headers = {**headers, "Content-Type": "application/json"}
        return json.loads(curl("--data-binary", "@-", url, headers=headers, stdin=json.dumps(body).encode()))

    def download(self, url: str, headers: dict[str, str]) -> bytes:
        return curl("--fail", url, headers=headers)


def curl(*arguments: str, headers: dict[str, str], stdin: bytes = b"") -> bytes:
    header_options = [option for name, value in headers.items() for option in ("--header", f"{name}: {value}")]
    finished = subprocess.run([*CURL, *header_options, *arguments], input=stdin, capture_output=True, check=False)
    if finished.returncode != 0:
        raise OSError(f"curl ended with {finished.returncode}: {finished.stderr.decode(errors='replace')}")
    return finished.stdout


if __name__ == "__main__":
    converse(plain.operations(CurlTransport()))
