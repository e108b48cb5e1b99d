"""Things that move through a clip or a volume: where they are in each frame that shows them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from mockserver.generate.chance import Chance
from mockserver.generate.media.image import DIRECTIONS, Point

Outline = tuple[Point, ...]


class Place(msgspec.Struct, frozen=True):
    """Where a thing is in a key frame, and how far it reaches, in pixels."""

    frame: int
    x: float
    y: float
    radius: float


class Stretch(msgspec.Struct, frozen=True):
    """Frames `first` to `last`, all of which show the thing. The first key is in `first`; after the last it rests."""

    first: int
    last: int
    keys: tuple[Place, ...]

    def at(self, frame: int) -> Place:
        """The place in any of its frames: on the straight line between two keys."""
        for before, after in pairwise(self.keys):
            if before.frame <= frame < after.frame:
                share = (frame - before.frame) / (after.frame - before.frame)
                return Place(
                    frame,
                    before.x + (after.x - before.x) * share,
                    before.y + (after.y - before.y) * share,
                    before.radius + (after.radius - before.radius) * share,
                )
        return self.keys[-1]


class Track(msgspec.Struct, frozen=True):
    """A thing's shape (a ring around 0, 0 that reaches 1 at most), its colour, and its way."""

    shape: Outline
    colour: tuple[int, int, int]
    stretches: tuple[Stretch, ...]

    def outline(self, place: Place) -> Outline:
        """The ring at that place, in pixels, open."""
        return tuple(
            (round(place.x + x * place.radius, 2), round(place.y + y * place.radius, 2)) for x, y in self.shape
        )

    def shown(self, frame: int) -> Outline | None:
        """The ring in a frame, where the frame shows the thing."""
        for stretch in self.stretches:
            if stretch.first <= frame <= stretch.last:
                return self.outline(stretch.at(frame))
        return None


def track(chance: Chance, *, width: int, height: int, frames: int, from_first: bool = False) -> Track:
    """A thing that crosses a picture of so many pixels within frames 1 to `frames`; `from_first`, it is there in 1."""
    shape = shape_of(chance)
    colour = (chance.between(20, 200), chance.between(20, 200), chance.between(20, 200))
    return Track(shape, colour, tuple(_stretches(chance, width, height, frames, from_first)))


def shape_of(chance: Chance) -> Outline:
    """A ring of corners in all directions, each at three quarters of the radius or more."""
    corners = ((x, y, chance.between(75, 100) / 100) for x, y in DIRECTIONS)
    return tuple((round(x * reach, 4), round(y * reach, 4)) for x, y, reach in corners)


def spans(chance: Chance, length: int) -> list[tuple[int, int]]:
    """One to three stretches (first, last) of 1 to `length`, with gaps between; one where there is no room."""
    count = min(chance.between(1, 3), max(length // 8, 1))
    found = []
    for part in range(count):
        low, high = part * length // count + 1, (part + 1) * length // count
        slack = (high - low) // 4
        found.append((low + chance.between(0, slack), high - chance.between(min(1, slack), slack)))
    return found


def key_frames(chance: Chance, first: int, last: int) -> list[int]:
    """The first, then every few; the last of them is not always the last frame."""
    keys = [first]
    while (following := keys[-1] + chance.between(4, 12)) < last:
        keys.append(following)
    if last > first and chance.happens(70):
        keys.append(last)
    return keys


def _stretches(chance: Chance, width: int, height: int, frames: int, from_first: bool) -> Iterator[Stretch]:
    across = min(width, height)
    radius = chance.between(across // 10, across // 6)
    x, y = chance.between(radius, width - radius), chance.between(radius, height - radius)
    run, rise = (step * (1 if chance.happens(50) else -1) for step in (chance.between(5, 40), chance.between(1, 12)))
    shown = spans(chance, frames)
    if from_first:
        shown[0] = (1, shown[0][1])
    for first, last in shown:
        places = []
        for frame in key_frames(chance, first, last):
            places.append(Place(frame, float(x), float(y), float(radius)))
            radius = _inside(radius + chance.between(-across // 40, across // 40), across // 12, across // 5)
            x, y = _inside(x + run, radius, width - radius), _inside(y + rise, radius, height - radius)
            run = -run if x in {radius, width - radius} else run
            rise = -rise if y in {radius, height - radius} else rise
        yield Stretch(first, last, tuple(places))


def _inside(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))
