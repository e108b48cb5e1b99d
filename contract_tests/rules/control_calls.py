"""Calls of the control API about one workspace."""

from typing import Any

import requests

from mockserver.testing import MockWorkspace


def control(workspace: MockWorkspace, method: str, path: str, **options: Any) -> requests.Response:
    query = {"api_key": workspace.api_key} | options.pop("params", {})
    return requests.request(method, f"{workspace.url}/_mock/{path}", params=query, timeout=30, **options)
