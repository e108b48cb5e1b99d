"""The manifests of workspaces as the texts that a database keeps, and what is read of them.

A damaged text is reported when its workspace is opened. Until then it has no key, no life and no links.
"""

from __future__ import annotations

import msgspec

from mockserver.conversion import decode
from mockserver.links import Links
from mockserver.storage.damage import WorkspaceDamaged, check_origin
from mockserver.storage.manifest import WorkspaceManifest, name_home


def read_manifest(home: str, content: str, place: str) -> WorkspaceManifest:
    """The manifest of the workspace that is kept under the name `home`. Raises WorkspaceDamaged."""
    try:
        manifest = decode(content, WorkspaceManifest)
        check_origin(manifest.origin)
    except msgspec.DecodeError as error:
        raise WorkspaceDamaged(f"the manifest of {place} is damaged: {error}") from None
    if name_home(manifest.api_key) != home:
        raise WorkspaceDamaged(f"{place} is a copy of {name_home(manifest.api_key)}: it is named by its API key")
    return manifest


def _find_manifest(content: str) -> WorkspaceManifest | None:
    """The manifest in a text; None if it is damaged."""
    try:
        return decode(content, WorkspaceManifest)
    except msgspec.DecodeError:
        return None


def read_key(content: str) -> str | None:
    manifest = _find_manifest(content)
    return None if manifest is None else manifest.api_key


def read_life(content: str) -> str | None:
    manifest = _find_manifest(content)
    return None if manifest is None else manifest.life


def read_links(content: str) -> Links | None:
    manifest = _find_manifest(content)
    return None if manifest is None else Links.from_secret(manifest.secret)


def read_slug(content: str) -> str | None:
    links = read_links(content)
    return None if links is None else links.workspace
