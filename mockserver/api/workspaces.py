"""The workspaces of this server, by API key, and what each is made of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from mockserver.errors import AuthenticationFailed
from mockserver.exports.tasks import Exports
from mockserver.links import Links
from mockserver.world.store import Store
from mockserver.world.store import Workspace as World


class Workspace:
    """One API key's world, and the parts that serve it."""

    def __init__(self, api_key: str, store: Store, folder: Path, threads: ThreadPoolExecutor) -> None:
        self.api_key = api_key
        self.store = store
        self.world: World = store.workspace
        self.links = Links.of(api_key, self.world.seed)
        self.exports = Exports(store, self.links, folder / "results", threads)

    def close(self) -> None:
        self.exports.close()
        self.store.close()


class Workspaces(msgspec.Struct):
    """All of them. The default one is the server's own key's."""

    default: str
    by_key: dict[str, Workspace] = {}
    by_slug: dict[str, Workspace] = {}

    def add(self, workspace: Workspace) -> None:
        self.by_key[workspace.api_key] = workspace
        self.by_slug[workspace.links.workspace] = workspace

    def authenticated(self, authorization: str | None) -> Workspace:
        """The workspace of an Authorization header: `Bearer KEY`, or the bare key as Postman walk-throughs paste it.

        Raises AuthenticationFailed, saying what came without repeating the key.
        """
        if not authorization:
            raise AuthenticationFailed(f"No API key came; send the header 'Authorization: Bearer {self._hint()}'")
        scheme, _, rest = authorization.partition(" ")
        key = rest.strip() if scheme.lower() == "bearer" else authorization.strip()
        workspace = self.by_key.get(key)
        if workspace is None:
            shown = f"{key[:4]}…" if len(key) > 4 else "it"
            raise AuthenticationFailed(
                f"No workspace has the API key that came ({shown}, {len(key)} characters); "
                f"this server's own key is printed when it starts: send 'Authorization: Bearer {self._hint()}'"
            )
        return workspace

    def _hint(self) -> str:
        """The default key is no secret; another is not repeated to strangers."""
        return self.default if self.default.startswith("mock-") else "YOUR_KEY"

    def close(self) -> None:
        for workspace in self.by_key.values():
            workspace.close()
