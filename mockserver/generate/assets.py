"""The files behind data rows: built on demand from the seed and the row's recipe, `media/project/number`."""

from __future__ import annotations

from mockserver.generate.media.generator import TILES, Asset, MediaGenerator, get_generator


def build_asset(recipe: str, *, seed: int) -> Asset:
    """The file of a recipe. The same recipe and seed give the same bytes."""
    if is_document(recipe):
        return Asset("application/json", recipe.encode())
    generator, project, number = parse_recipe(recipe)
    return generator.build_asset(seed, project, number)


def is_document(recipe: str) -> bool:
    """Whether a recipe is the file itself: an object that a client has imported as the content of a data row."""
    return recipe.startswith("{")


def build_text_layer(recipe: str, *, seed: int) -> Asset | None:
    """The words of a document with their places; None for other media types."""
    if is_document(recipe):
        return None
    generator, project, number = parse_recipe(recipe)
    return generator.build_text_layer(seed, project, number)


def build_tile(recipe: str, place: tuple[int, int, int], *, seed: int) -> Asset | None:
    """The tile at (zoom, column, row) of a map's row; None outside of its ground, or for other media types."""
    if is_document(recipe):
        return None
    generator, project, number = parse_recipe(recipe)
    return generator.build_tile(seed, project, number, place)


def insert_tiles_url(content: bytes, url: str) -> bytes:
    """A tiled asset's file with the URL template of its tiles, `{z}/{x}/{y}` still in it."""
    return content.replace(TILES, url.encode())


def parse_recipe(recipe: str) -> tuple[MediaGenerator, str, int]:
    """(generator, project, number)."""
    media, rest = recipe.split("/", 1)
    project, number = rest.rsplit("/", 1)
    return get_generator(media), project, int(number)
