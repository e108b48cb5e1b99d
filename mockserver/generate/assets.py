"""The files behind data rows: made on demand from the seed and the row's recipe, `media/project/number`."""

from __future__ import annotations

import msgspec

from mockserver.generate import image, text


class Asset(msgspec.Struct, frozen=True):
    content_type: str
    content: bytes


def asset(recipe: str, *, seed: int) -> Asset:
    """The file of a recipe. The same recipe and seed give the same bytes."""
    media, rest = recipe.split("/", 1)
    project, number = rest.rsplit("/", 1)
    if media == "image":
        return Asset("image/png", image.draw(image.scene(seed, project, int(number))))
    return Asset("text/plain; charset=utf-8", text.content(seed, project, int(number)).encode())
