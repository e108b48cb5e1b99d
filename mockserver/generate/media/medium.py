"""A media type: what its data rows are, what is annotated on them, and the file behind each."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from typing import ClassVar

import msgspec

from mockserver.generate.features import Ontology
from mockserver.generate.plans import Media
from mockserver.world.database import JsonText

EMPTY = b'{"objects":[],"classifications":[],"relationships":[]}'
"""What a skipped label holds (inferred)."""


TILES = b"\x04"
"""Stands for the URL template of a map's tiles in its file: it is signed when somebody asks for the file."""


class Asset(msgspec.Struct, frozen=True):
    """A file as it is sent. Only in one that is `tiled` TILES is a placeholder."""

    content_type: str
    content: bytes
    tiled: bool = False


class Variant(msgspec.Struct, frozen=True):
    """One picture, text or clip with what is annotated on it.

    `content` and `aside` become a body of the world (world/labels.py); `media_attributes` in the snake_case of V2.
    """

    media_attributes: JsonText
    content: bytes
    aside: JsonText | None = None


class Medium(ABC):
    """One media type. `number` counts the different pictures, texts or clips of a project; all come from the seed."""

    media_type: ClassVar[str]
    """GraphQL's word: `Project.allowedMediaType`, and the media type of its data rows."""
    editor_task_type: ClassVar[str | None] = None
    extension: ClassVar[str]
    """Of external ids, which look like file names."""
    empty: ClassVar[bytes] = EMPTY
    """The body of a skipped label."""

    def with_options(self, options: list[str]) -> Medium:
        """The same with files of another kind. Only clips take options: `frames=N`, `first`."""
        raise AssertionError(f"the scenario gives no {options} to {self.media_type}")

    @abstractmethod
    def variant(self, seed: int, project: str, number: int, ontology: Ontology) -> Variant:
        """The annotations of one label."""

    @abstractmethod
    def asset(self, seed: int, project: str, number: int) -> Asset:
        """The file that `row_data` names: it shows what is annotated."""

    def text_layer(self, seed: int, project: str, number: int) -> Asset | None:
        """The words of the file and where they stand. Only documents have one."""
        return None

    def tile(self, seed: int, project: str, number: int, place: tuple[int, int, int]) -> Asset | None:
        """The tile at (zoom, column, row), columns and rows counted from the north-west. Only maps have some."""
        return None


_MODULES: dict[Media, str] = {
    "image": "image",
    "text": "text",
    "video": "video",
    "dicom": "dicom",
    "audio": "audio",
    "document": "document",
    "conversational": "conversational",
    "html": "html",
    "llm": "llm",
    "llm-prompt": "llm",
    "llm-response": "llm",
    "chat": "chat",
    "geospatial": "geospatial",
    "tiles": "geospatial",
}
"""Where each lives. A module's `MEDIA` holds one `Medium` for each word it serves; it is imported when it is needed."""


def medium_of(media: str) -> Medium:
    """The medium of a scenario's word for it, which options may follow behind a question mark (ProjectPlan.medium)."""
    word, _, options = media.partition("?")
    module = importlib.import_module(f"mockserver.generate.media.{_MODULES[word]}")  # type: ignore[index]  # checked by the scenario
    medium: Medium = module.MEDIA[word]
    return medium.with_options(options.split("&")) if options else medium


def medium_of_type(media_type: str) -> Medium | None:
    """The first medium whose data rows have that media type, if any is made here."""
    return next((medium for word in _MODULES if (medium := medium_of(word)).media_type == media_type), None)
