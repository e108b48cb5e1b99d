"""The common parts of tests of views: a request for a view as a browser sends it, and the texts in the answer."""

import html
import re
from typing import Any

import requests

from contract_tests.serving import ServedWorld


def fetch(server: ServedWorld, path: str, status: int = 200, **query: Any) -> str:
    """The HTML of a view."""
    answer = requests.get(server.url + path, params=query, headers={"Accept": "text/html"}, timeout=30)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return answer.text


def find_texts(content: str, pattern: str) -> list[str]:
    """The texts that the pattern's group matches in HTML, without its escapes."""
    return [html.unescape(text) for text in re.findall(pattern, content, re.DOTALL)]
