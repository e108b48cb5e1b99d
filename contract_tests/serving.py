"""A served world for tests: the harness that users have, and a way to ask it."""

from typing import Any

import requests

from mockserver.testing.server import MockServer, environment_without_our_settings

__all__ = ["ServedWorld", "environment_without_our_settings"]


class ServedWorld(MockServer):
    """A running `mockserver serve`, used as a context manager; its own workspace is asked directly."""

    @property
    def organization_id(self) -> str:
        return str(self.ready["organization_id"])

    @property
    def projects(self) -> dict[str, str]:
        return dict(self.ready["projects"])

    def ask(self, document: str, **variables: object) -> Any:
        """One GraphQL question with the world's own key; the answer's `data`."""
        response = requests.post(
            self.graphql_url,
            json={"query": document, "variables": variables},
            headers={"Authorization": f"Bearer {self.api_key}"},
            timeout=30,
        )
        answer = response.json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]
