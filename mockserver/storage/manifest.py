"""The manifests of a state folder and of each workspace in it: JSON files that are replaced as a whole.

`manifest.json` is in the state folder and names the format. `workspace.json` is in the folder of a workspace: it names
the life that is served, and the folders that are to be removed. What no manifest names is never opened or removed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from mockserver.conversion import decode
from mockserver.folders import read_small_file, write_atomically
from mockserver.world.ids import digest

STATE_MANIFEST = "manifest.json"
WORKSPACE_MANIFEST = "workspace.json"

LIFE = "life-"
LifeName = Annotated[str, msgspec.Meta(pattern=f"^{LIFE}[0-9a-f]{{12}}$")]
"""The folder of a life beside the manifest. Any other text could lead out of the workspace's folder."""


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The world that a workspace is created from, and that a reset creates again."""

    scenario: str = "default"
    seed: int = 0
    ends: str | None = None
    payload_date: str | None = None
    """None means that of the scenario, or of the world it is forked from. The same holds for missing switches."""
    switches: dict[str, str] = {}
    forked: bool = False


class WorkspaceManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `workspace.json`. A reset has happened when this file has been replaced."""

    api_key: str
    secret: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    """Names and signs the workspace's links; hexadecimal digits."""
    life: LifeName
    """The folder of the life that is served."""
    incarnation: str
    """The incarnation of the world in that life, so that another world in its place is noticed."""
    origin: Origin
    leaving: tuple[LifeName, ...] = ()
    """Folders of other lives: one that has ended, or one that was never finished. The next start removes them."""
    origin_checksum: str | None = None
    """The checksum of a fork's `origin.sqlite`, so that another file in its place is noticed before a reset. None
    in a state that is not kept, in which nobody exchanges files."""

    def __post_init__(self) -> None:
        """msgspec calls this after it has decoded a manifest, and raises ValidationError for what is raised here."""
        if self.life in self.leaving:
            raise ValueError(f"{self.life} is the life that is served, and among those that are to be removed")

    def write(self, folder: Path, *, durable: bool) -> None:
        """Replaces the manifest in a workspace's folder. Raises OSError."""
        write_atomically(folder / WORKSPACE_MANIFEST, msgspec.json.encode(self), durable=durable)


class StateManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `manifest.json`."""

    format: int
    tables: str
    """A checksum of the database's tables."""
    written_by: str
    product: Literal["labelbox-mockserver"] = "labelbox-mockserver"


class VersionedManifest(msgspec.Struct):
    """The part of a state's manifest that every version writes."""

    format: int
    product: Literal["labelbox-mockserver"]
    written_by: str = "an unknown version"


def name_home(api_key: str) -> str:
    """The name of a workspace's folder. A key may hold any character, so it is a hash of it."""
    return digest("home", api_key, size=16).hex()


def read_workspace_manifest(folder: Path) -> WorkspaceManifest:
    """The manifest in a folder. Raises OSError, and msgspec.DecodeError or UnicodeDecodeError if it is damaged."""
    return decode(read_small_file(folder / WORKSPACE_MANIFEST), WorkspaceManifest)
