"""The files behind data rows: made on demand from the seed and the row's recipe, `media/project/number`."""

from __future__ import annotations

from mockserver.generate.media.medium import TILES, Asset, Medium, medium_of


def asset(recipe: str, *, seed: int) -> Asset:
    """The file of a recipe. The same recipe and seed give the same bytes."""
    medium, project, number = read(recipe)
    return medium.asset(seed, project, number)


def text_layer(recipe: str, *, seed: int) -> Asset | None:
    """The words of a document and where they stand; None for other media."""
    medium, project, number = read(recipe)
    return medium.text_layer(seed, project, number)


def tile(recipe: str, place: tuple[int, int, int], *, seed: int) -> Asset | None:
    """The tile at (zoom, column, row) of a map's row; None where its ground does not reach, or for other media."""
    medium, project, number = read(recipe)
    return medium.tile(seed, project, number, place)


def with_tiles(content: bytes, url: str) -> bytes:
    """A tiled asset's file with the URL template of its tiles, `{z}/{x}/{y}` still in it."""
    return content.replace(TILES, url.encode())


def read(recipe: str) -> tuple[Medium, str, int]:
    """(medium, project, number)."""
    media, rest = recipe.split("/", 1)
    project, number = rest.rsplit("/", 1)
    return medium_of(media), project, int(number)
