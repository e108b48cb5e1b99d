"""The records of a drawing, and the source from which one is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from mockserver.console.shapes import Shape
from mockserver.generate.assets import build_asset
from mockserver.world.records.data_rows import DataRow

Json = dict[str, Any]
Masks = dict[str, list[Json]]


class Span(NamedTuple):
    """A piece of a text, and the features that mark it."""

    text: str
    ids: tuple[str, ...] = ()


class Frame(msgspec.Struct, frozen=True):
    """A picture of a clip, volume or document, with what is drawn over it."""

    number: int
    shapes: list[Shape]
    words: list[tuple[float, float, float, str]] = []
    picture: str | None = None


class Bar(NamedTuple):
    """A range of a timeline, as shares of its length from 0 to 100."""

    feature_id: str
    start: float
    width: float


class Message(NamedTuple):
    """A message of a conversation."""

    id: str
    speaker: str
    side: str
    spans: list[Span]


class Tile(NamedTuple):
    """A tile of a map at its place in the picture."""

    url: str
    x: int
    y: int


class Drawing(msgspec.Struct, frozen=True):
    """A drawing for the template. `template` names the way; the other fields are those that the way needs."""

    template: str
    width: float = 0
    height: float = 0
    left: float = 0
    top: float = 0
    frames: list[Frame] = []
    spans: list[Span] = []
    messages: list[Message] = []
    bars: list[Bar] = []
    tiles: list[Tile] = []
    peaks: str = ""
    rate: float = 0
    note: str = ""


class Source(NamedTuple):
    """A data row with its file, where this server has it, and the annotations of a label."""

    row: DataRow
    seed: int
    attributes: Json
    annotations: Json
    masks: Masks
    tile_url: Callable[[], str]

    @property
    def content(self) -> bytes | None:
        """The bytes of the file; None if it is on another server."""
        if self.row.row_data is not None:
            return None if "://" in self.row.row_data[:10] else self.row.row_data.encode()
        return None if self.row.asset is None else build_asset(self.row.asset, seed=self.seed).content

    @property
    def objects(self) -> list[Json]:
        return [item for item in self.annotations.get("objects") or () if isinstance(item, dict)]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in pixels, or a square for those that are unknown."""
        return float(self.attributes.get("width") or 1000), float(self.attributes.get("height") or 1000)


def name_file(_source: Source) -> Drawing:
    """Names the file in place of a drawing."""
    return Drawing("file", note="Files of this kind are not drawn; the file is linked above.")
