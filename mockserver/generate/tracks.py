"""Things that move through a clip or a volume: where they are in each frame that shows them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from mockserver.generate.chance import Chance
from mockserver.generate.media.image import DIRECTIONS, Point

Outline = tuple[Point, ...]


class Position(msgspec.Struct, frozen=True):
    """The position of a thing in a key frame and its radius, in pixels."""

    frame: int
    x: float
    y: float
    radius: float


class Segment(msgspec.Struct, frozen=True):
    """Frames `first` to `last`, all of which show the thing. The first key is in `first`; after the last it rests."""

    first: int
    last: int
    keys: tuple[Position, ...]

    def find_position(self, frame: int) -> Position:
        """The position in any frame of the segment: on the straight line between two keys."""
        for before, after in pairwise(self.keys):
            if before.frame <= frame < after.frame:
                share = (frame - before.frame) / (after.frame - before.frame)
                return Position(
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
    segments: tuple[Segment, ...]

    def find_outline(self, position: Position) -> Outline:
        """The ring at a position, in pixels, open."""
        return tuple(
            (round(position.x + x * position.radius, 2), round(position.y + y * position.radius, 2))
            for x, y in self.shape
        )

    def find_outline_at(self, frame: int) -> Outline | None:
        """The ring in a frame; None where the frame does not show the thing."""
        for segment in self.segments:
            if segment.first <= frame <= segment.last:
                return self.find_outline(segment.find_position(frame))
        return None


def build_track(chance: Chance, *, width: int, height: int, frames: int, from_first: bool = False) -> Track:
    """A thing that crosses a picture of so many pixels within frames 1 to `frames`; `from_first`, it is there in 1."""
    shape = draw_shape(chance)
    colour = (chance.randint(20, 200), chance.randint(20, 200), chance.randint(20, 200))
    return Track(shape, colour, tuple(_build_segments(chance, width, height, frames, from_first)))


def draw_shape(chance: Chance) -> Outline:
    """A ring of corners in all directions, each at three quarters of the radius or more."""
    corners = ((x, y, chance.randint(75, 100) / 100) for x, y in DIRECTIONS)
    return tuple((round(x * reach, 4), round(y * reach, 4)) for x, y, reach in corners)


def pick_spans(chance: Chance, length: int) -> list[tuple[int, int]]:
    """One to three spans (first, last) of 1 to `length`, with gaps between; one where there is no room."""
    count = min(chance.randint(1, 3), max(length // 8, 1))
    spans = []
    for part in range(count):
        low, high = part * length // count + 1, (part + 1) * length // count
        slack = (high - low) // 4
        spans.append((low + chance.randint(0, slack), high - chance.randint(min(1, slack), slack)))
    return spans


def pick_key_frames(chance: Chance, first: int, last: int) -> list[int]:
    """The first, then every few; the last of them is not always the last frame."""
    keys = [first]
    while (following := keys[-1] + chance.randint(4, 12)) < last:
        keys.append(following)
    if last > first and chance.happens(70):
        keys.append(last)
    return keys


def _build_segments(chance: Chance, width: int, height: int, frames: int, from_first: bool) -> Iterator[Segment]:
    across = min(width, height)
    radius = chance.randint(across // 10, across // 6)
    x, y = chance.randint(radius, width - radius), chance.randint(radius, height - radius)
    run, rise = (step * (1 if chance.happens(50) else -1) for step in (chance.randint(5, 40), chance.randint(1, 12)))
    spans = pick_spans(chance, frames)
    if from_first:
        spans[0] = (1, spans[0][1])
    for first, last in spans:
        keys = []
        for frame in pick_key_frames(chance, first, last):
            keys.append(Position(frame, float(x), float(y), float(radius)))
            radius = _clamp(radius + chance.randint(-across // 40, across // 40), across // 12, across // 5)
            x, y = _clamp(x + run, radius, width - radius), _clamp(y + rise, radius, height - radius)
            run = -run if x in {radius, width - radius} else run
            rise = -rise if y in {radius, height - radius} else rise
        yield Segment(first, last, tuple(keys))


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))
