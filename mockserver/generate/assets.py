"""The files behind data rows: made on demand from the seed and the row's recipe, `media/project/number`."""

from __future__ import annotations

from mockserver.generate.media.medium import Asset, medium_of


def asset(recipe: str, *, seed: int) -> Asset:
    """The file of a recipe. The same recipe and seed give the same bytes."""
    media, rest = recipe.split("/", 1)
    project, number = rest.rsplit("/", 1)
    return medium_of(media).asset(seed, project, int(number))
