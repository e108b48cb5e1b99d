"""What a state folder and each workspace in it say of themselves, in JSON files that are replaced as a whole.

`manifest.json` stands in the state folder and names the format. `workspace.json` stands in the folder of a workspace:
it names the life that is served, and the folders that are to be removed. Nothing that no manifest names is ever
opened or removed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from mockserver.folders import write_atomically
from mockserver.world.ids import digest

STATE_MANIFEST = "manifest.json"
WORKSPACE_MANIFEST = "workspace.json"


LIFE = "life-"
LifeName = Annotated[str, msgspec.Meta(pattern=f"^{LIFE}[0-9a-f]{{12}}$")]
"""The folder of a life beside the manifest. Any other text could lead out of the workspace's folder."""


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a workspace was made from, and what a reset makes it from again."""

    scenario: str = "default"
    seed: int = 0
    ends: str | None = None
    payload_date: str | None = None
    """None: as the scenario says, or as the world it is forked from. So are switches that are not named."""
    switches: dict[str, str] = {}
    forked: bool = False


class WorkspaceManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `workspace.json`. Replacing this file is the moment in which a reset has happened."""

    api_key: str
    secret: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    """What the workspace's links are named and signed with, in hexadecimal digits."""
    life: LifeName
    """The folder of the life that is served."""
    incarnation: str
    """That of the world in it: another world in its place is noticed."""
    origin: Origin
    leaving: tuple[LifeName, ...] = ()
    """Folders of other lives: one that has ended, or one that was never finished. The next start removes them."""

    def __post_init__(self) -> None:
        """msgspec calls this after it has decoded a manifest, and raises ValidationError for what is raised here."""
        if self.life in self.leaving:
            raise ValueError(f"{self.life} is the life that is served, and among those that are to be removed")

    def write(self, folder: Path, *, durable: bool) -> None:
        """Replace the manifest in a workspace's folder. Raises OSError."""
        write_atomically(folder / WORKSPACE_MANIFEST, msgspec.json.encode(self), durable=durable)


class StateManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `manifest.json`."""

    format: int
    tables: str
    """A checksum of the database's tables."""
    written_by: str
    product: Literal["labelbox-mockserver"] = "labelbox-mockserver"


class VersionedManifest(msgspec.Struct):
    """What can be read of every manifest, older or newer."""

    format: int
    product: Literal["labelbox-mockserver"]
    written_by: str = "an unknown version"


def name_home(api_key: str) -> str:
    """The name of a workspace's folder. A key may hold any character, so it is a hash of it."""
    return digest("home", api_key, size=16).hex()


def read_workspace_manifest(folder: Path) -> WorkspaceManifest:
    """Raises OSError where it cannot be read, and msgspec.DecodeError or ValidationError where it is damaged."""
    return msgspec.json.decode((folder / WORKSPACE_MANIFEST).read_bytes(), type=WorkspaceManifest)
