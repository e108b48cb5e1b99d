"""The served workspaces by API key, and by the name in their links; damaged ones beside them."""

from __future__ import annotations

import logging
import time

from mockserver.errors import AuthenticationFailed, Conflict, LinkRefused, NotFound, ResourceFailed, nearest, quote
from mockserver.storage.damage import Damage
from mockserver.storage.manifest import name_home
from mockserver.workspaces.workspace import Workspace

LOG = logging.getLogger(__name__)
MOST_LOGGED = 100
"""Unknown API keys that are logged."""


class Registry:
    """The workspaces that are served. Every method returns immediately, whatever is being created."""

    def __init__(self) -> None:
        self._by_key: dict[str, Workspace] = {}
        self._by_slug: dict[str, Workspace] = {}
        self._damaged: dict[str, Damage] = {}
        """By the names under which they are kept: the API key of some cannot be read."""
        self._logged: set[int] = set()
        self._lost: set[str] = set()
        """The API keys and slugs of workspaces that other servers have taken over."""

    def add(self, workspace: Workspace) -> None:
        """Serves a workspace from now on. It replaces an earlier life with the same API key."""
        self._by_key[workspace.api_key] = workspace
        self._by_slug[workspace.links.workspace] = workspace
        self.forget_damage(workspace.api_key)
        self._lost -= {workspace.api_key, workspace.links.workspace}

    def remove(self, workspace: Workspace) -> None:
        """Stops serving a workspace."""
        if self._by_key.get(workspace.api_key) is workspace:
            del self._by_key[workspace.api_key]
            self._by_slug.pop(workspace.links.workspace, None)

    def remove_all(self) -> list[Workspace]:
        """Stops serving all workspaces, because other servers have taken them over, and returns them. In any thread."""
        self._lost |= {*self._by_key, *self._by_slug}
        removed, self._by_key, self._by_slug, self._damaged = self._by_key, {}, {}, {}
        return list(removed.values())

    def forget_lost(self, name: str) -> None:
        """Forgets that a workspace was taken over, because it has been deleted since."""
        self._lost.discard(name)

    def _check_lost(self, name: str) -> None:
        """Raises ResourceFailed for a workspace that was taken over while a request was answered: it is not unknown."""
        if name in self._lost:
            raise ResourceFailed("Another server has taken over this workspace; send the request again")

    def peek(self, kind: str, value: str) -> Workspace | None:
        """The workspace with this API key ("key"), slug ("slug") or mask token ("token"), without counting as its
        use."""
        if kind == "token":
            return next((each for each in self.all() if each.links.has_signed(value)), None)
        return (self._by_key if kind == "key" else self._by_slug).get(value)

    def add_damage(self, damage: Damage) -> None:
        """Remembers a workspace that cannot be served, so that its clients learn why."""
        self._damaged[damage.name] = damage

    def forget_damage(self, api_key: str) -> None:
        """Forgets the damage of a workspace that was deleted or replaced."""
        self._damaged.pop(name_home(api_key), None)

    def keys(self) -> list[str]:
        """The API keys of all served workspaces."""
        return list(self._by_key)

    def all(self) -> list[Workspace]:
        """All served workspaces."""
        return list(self._by_key.values())

    def list_idle(self, age: float) -> list[str]:
        """The API keys of the workspaces that no request has found for `age` seconds."""
        latest = time.monotonic() - age
        return [workspace.api_key for workspace in self.all() if workspace.used_at <= latest]

    def has(self, api_key: str) -> bool:
        """Whether a workspace with this API key is served."""
        return api_key in self._by_key

    def has_slug(self, slug: str) -> bool:
        """Whether a workspace whose links contain this slug is served. A reset keeps the slug."""
        return slug in self._by_slug

    def find_damage(self, api_key: str) -> Damage | None:
        """The damage of the workspace with this API key; None if it is served, or if there is none."""
        return self._damaged.get(name_home(api_key)) if self._damaged else None

    def find(self, api_key: str) -> Workspace | None:
        """The workspace with this API key, or None. Raises Conflict if it is damaged."""
        workspace = self._by_key.get(api_key)
        if workspace is not None:
            workspace.used_at = time.monotonic()
        elif (damage := self.find_damage(api_key)) is not None:
            raise Conflict(str(damage))
        else:
            self._check_lost(api_key)
        return workspace

    def get(self, api_key: str) -> Workspace:
        """The workspace with this API key. Raises NotFound, and Conflict if it is damaged."""
        workspace = self.find(api_key)
        if workspace is None:
            known = quote(nearest(api_key, self._by_key))
            raise NotFound(f"There is no workspace with the API key {api_key!r}; the nearest known are {known}")
        return workspace

    def find_by_slug(self, slug: str) -> Workspace | None:
        """The workspace whose links contain this slug, or None."""
        workspace = self._by_slug.get(slug)
        if workspace is None:
            self._check_lost(slug)
        else:
            workspace.used_at = time.monotonic()
        return workspace

    def get_by_mask_token(self, token: str) -> Workspace:
        """The workspace whose exports contain this mask token, which does not name it. Raises LinkRefused."""
        for workspace in self.all():
            if workspace.links.has_signed(token):
                workspace.used_at = time.monotonic()
                workspace.links.check_mask_token(token, now=workspace.store.clock.now())
                return workspace
        raise LinkRefused("This mask's token was changed; use the URL exactly as the export gave it")

    def build_refusal(self, api_key: str) -> AuthenticationFailed:
        """The error for an unknown API key. Neither the error nor the log repeats the key.

        Each of the first keys is logged: SDKs hide the answer behind their own "Invalid API key".
        """
        if len(self._logged) < MOST_LOGGED and (note := hash(api_key)) not in self._logged:
            self._logged.add(note)
            LOG.warning("refused an API key of %s characters that names no workspace", len(api_key))
        return AuthenticationFailed(
            f"No workspace has the API key that was sent ({len(api_key)} characters); the server's own key is printed"
            " when it starts, others are created by POST /_mock/workspaces: send 'Authorization: Bearer YOUR_KEY'"
        )


def read_key(authorization: str | None) -> str:
    """The API key of an Authorization header: `Bearer KEY`, or the bare key as Postman walk-throughs paste it.

    Raises AuthenticationFailed if there is none.
    """
    scheme, _, rest = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer":
        rest = (authorization or "").strip()
    if not rest.strip():
        sent = f"The Authorization header is {scheme!r} alone" if scheme else "No API key was sent"
        raise AuthenticationFailed(f"{sent}; send the header 'Authorization: Bearer YOUR_KEY'")
    return rest.strip()
