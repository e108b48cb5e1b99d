"""The contents of a data row, as far as the server has them: they give entities their words."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import msgspec
import orjson

from mockserver.generate.assets import build_asset, build_text_layer
from mockserver.world.records.data_rows import DataRow

ReadFile = Callable[[str], bytes | None]
"""Reads an uploaded file by its URL. None for every other URL, which is never fetched."""


def read_nothing(_url: str) -> None:
    """Reads no file."""


class Contents(msgspec.Struct, frozen=True, dict=True):
    """The contents of one data row."""

    row: DataRow
    seed: int
    read_file: ReadFile = read_nothing

    @functools.cached_property
    def text(self) -> str | None:
        """The row's text; None where only its owner has it."""
        if self.row.asset is not None:
            return build_asset(self.row.asset, seed=self.seed).content.decode()
        data = self.row.row_data or ""
        if "://" in data.split(maxsplit=1)[0] if data.strip() else False:
            file = self.read_file(data)
            return None if file is None else file.decode("utf-8", "replace")
        return data

    @functools.cached_property
    def words(self) -> dict[str, str]:
        """The words of a document's text layer by their ids; none where only its owner has it."""
        return {token: word["content"] for token, word in self.tokens.items()}

    @functools.cached_property
    def tokens(self) -> dict[str, dict[str, Any]]:
        """The tokens of a document's text layer by their ids."""
        layer = None if self.row.asset is None else build_text_layer(self.row.asset, seed=self.seed)
        if layer is None:
            return {}
        pages: list[dict[str, Any]] = orjson.loads(layer.content)
        return {token["id"]: token for page in pages for group in page["groups"] for token in group["tokens"]}

    @property
    def attributes(self) -> dict[str, Any]:
        """The row's media attributes."""
        attributes: dict[str, Any] = orjson.loads(self.row.media_attributes)
        return attributes
