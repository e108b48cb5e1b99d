"""The interface of all generators: the annotations of a data row, and the file behind it."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from functools import cache
from typing import ClassVar

import msgspec

from mockserver.generate.features import Ontology
from mockserver.world.media import BY_NAME, MEDIA, MediaType
from mockserver.world.record import JsonText

EMPTY = b'{"objects":[],"classifications":[],"relationships":[]}'
"""The body of a skipped label (inferred)."""


TILES = b"\x04"
"""Stands for the URL template of a map's tiles in its file: it is signed when a client asks for the file."""


class Asset(msgspec.Struct, frozen=True):
    """A file as it is sent. Only in one that is `tiled` TILES is a placeholder."""

    content_type: str
    content: bytes
    tiled: bool = False


class Variant(msgspec.Struct, frozen=True):
    """One picture, text or clip with its annotations.

    `content` and `aside` become a body of the world (world/records/labels.py). `media_attributes` are in the snake_case
    of V2.
    """

    media_attributes: JsonText
    content: bytes
    aside: JsonText | None = None


class MediaGenerator(ABC):
    """Generates one media type. `number` counts the different pictures, texts or clips of a project; all come from the
    seed."""

    empty_body: ClassVar[bytes] = EMPTY
    """The body of a skipped label."""

    def __init__(self, media: MediaType) -> None:
        self.media = media

    def with_options(self, options: list[str]) -> MediaGenerator:
        """The same for other files. Only clips take options: `frames=N`, `first`."""
        raise AssertionError(f"the scenario gives no {options} to {self.media.name}")

    @abstractmethod
    def build_variant(self, seed: int, project: str, number: int, ontology: Ontology) -> Variant:
        """The annotations of one label."""

    @abstractmethod
    def build_asset(self, seed: int, project: str, number: int) -> Asset:
        """The file that `row_data` names. It shows everything that is annotated."""

    def build_text_layer(self, seed: int, project: str, number: int) -> Asset | None:
        """The words of the file with their places. Only documents have one."""
        return None

    def build_tile(self, seed: int, project: str, number: int, place: tuple[int, int, int]) -> Asset | None:
        """The tile at (zoom, column, row), columns and rows counted from the north-west. Only maps have some."""
        return None


def get_generator(name: str) -> MediaGenerator:
    """The generator of a media type. Options may follow its name behind a question mark (ProjectPlan.asset_media)."""
    word, _, options = name.partition("?")
    generator = _load_generator(word)
    return generator.with_options(options.split("&")) if options else generator


def find_generator(wire: str) -> MediaGenerator | None:
    """The generator for data rows of a media type as GraphQL spells it, or None if none is generated."""
    media = next((media for media in MEDIA if media.wire == wire), None)
    return None if media is None else _load_generator(media.name)


@cache
def _load_generator(name: str) -> MediaGenerator:
    media = BY_NAME[name]
    module, _, class_name = media.generator.partition(":")
    generator: MediaGenerator = getattr(importlib.import_module(f"mockserver.generate.media.{module}"), class_name)(
        media
    )
    return generator
