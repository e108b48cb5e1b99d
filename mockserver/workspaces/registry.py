"""The workspaces of a server by API key, and by the name that their links carry."""

from __future__ import annotations

import logging

from mockserver.errors import AuthenticationFailed, Conflict, LinkRefused, NotFound, nearest, quote
from mockserver.workspaces.damage import Damage
from mockserver.workspaces.manifest import name_home
from mockserver.workspaces.workspace import Workspace

LOG = logging.getLogger(__name__)
MOST_NOTED = 100
"""Unknown API keys that get a line in the log."""


class Registry:
    """Which workspaces are served. Every method returns at once; no lock is held while a workspace is made."""

    def __init__(self) -> None:
        self._by_key: dict[str, Workspace] = {}
        self._by_slug: dict[str, Workspace] = {}
        self._damaged: dict[str, Damage] = {}
        """By the names of their folders: of some the key cannot be read."""
        self._noted: set[int] = set()

    def add(self, workspace: Workspace) -> None:
        """Serve a workspace from now on, in the place of an earlier life of it."""
        self._by_key[workspace.api_key] = workspace
        self._by_slug[workspace.links.workspace] = workspace
        self.forget_damage(workspace.api_key)

    def remove(self, workspace: Workspace) -> None:
        """Serve it no longer."""
        del self._by_key[workspace.api_key]
        del self._by_slug[workspace.links.workspace]

    def add_damage(self, damage: Damage) -> None:
        """Remember a kept workspace that cannot be served, to say so to whoever asks for it."""
        self._damaged[damage.home.name] = damage

    def forget_damage(self, api_key: str) -> None:
        self._damaged.pop(name_home(api_key), None)

    def keys(self) -> list[str]:
        return list(self._by_key)

    def all(self) -> list[Workspace]:
        return list(self._by_key.values())

    def has(self, api_key: str) -> bool:
        return api_key in self._by_key

    def damage_of(self, api_key: str) -> Damage | None:
        """What is wrong with the kept workspace of a key; None where it is served, or where there is none."""
        return self._damaged.get(name_home(api_key)) if self._damaged else None

    def find(self, api_key: str) -> Workspace | None:
        """The workspace of a key, if it is served. Raises Conflict where it is damaged."""
        workspace = self._by_key.get(api_key)
        if workspace is None and (damage := self.damage_of(api_key)) is not None:
            raise Conflict(str(damage))
        return workspace

    def named(self, api_key: str) -> Workspace:
        """The workspace of a key. Raises NotFound, and Conflict where it is damaged."""
        workspace = self.find(api_key)
        if workspace is None:
            known = quote(nearest(api_key, self._by_key))
            raise NotFound(f"There is no workspace with the API key {api_key!r}; the nearest known are {known}")
        return workspace

    def linked(self, slug: str) -> Workspace | None:
        """The workspace whose links carry this slug."""
        return self._by_slug.get(slug)

    def of_token(self, token: str) -> Workspace:
        """The workspace whose exports gave out this mask token, which does not name it. Raises LinkRefused."""
        for workspace in self.all():
            if workspace.links.has_signed(token):
                workspace.links.check_mask_token(token, now=workspace.store.clock.now())
                return workspace
        raise LinkRefused("This mask's token was changed; use the URL exactly as the export gave it")

    def refuse(self, api_key: str) -> AuthenticationFailed:
        """The error for a key that names no workspace. It does not repeat the key, and nor does the log.

        The log gets a line for each of the first keys: SDKs hide the answer behind their own "Invalid API key".
        """
        if len(self._noted) < MOST_NOTED and (note := hash(api_key)) not in self._noted:
            self._noted.add(note)
            LOG.warning("refused an API key of %s characters that names no workspace", len(api_key))
        return AuthenticationFailed(
            f"No workspace has the API key that came ({len(api_key)} characters); the server's own key is printed when"
            " it starts, others are made by POST /_mock/workspaces: send 'Authorization: Bearer YOUR_KEY'"
        )


def read_key(authorization: str | None) -> str:
    """The API key of an Authorization header: `Bearer KEY`, or the bare key as Postman walk-throughs paste it.

    Raises AuthenticationFailed where there is none.
    """
    if not authorization:
        raise AuthenticationFailed("No API key came; send the header 'Authorization: Bearer YOUR_KEY'")
    scheme, _, rest = authorization.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else authorization.strip()
