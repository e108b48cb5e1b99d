"""Ways through a clip: inside the picture, inside the clip, with gaps."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mockserver.generate.chance import Chance
from mockserver.generate.tracks import build_track, pick_key_frames, pick_spans

seeds = st.integers(0, 10_000)


@given(seeds, st.integers(1, 200))
def test_segments_follow_each_other_with_gaps(seed: int, length: int) -> None:
    spans = pick_spans(Chance(seed), length)
    assert all(1 <= first <= last <= length for first, last in spans)
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(spans))


@given(seeds, st.integers(1, 50), st.integers(0, 100))
def test_key_frames_begin_with_the_first_and_rise(seed: int, first: int, length: int) -> None:
    keys = pick_key_frames(Chance(seed), first, first + length)
    assert keys[0] == first
    assert keys == sorted(set(keys))
    assert keys[-1] <= first + length


@given(seeds, st.integers(100, 900), st.integers(100, 900), st.integers(1, 120))
def test_a_thing_never_leaves_the_picture(seed: int, width: int, height: int, frames: int) -> None:
    way = build_track(Chance(seed), width=width, height=height, frames=frames)
    for frame in range(1, frames + 1):
        for x, y in way.find_outline_at(frame) or ():
            assert -0.01 <= x <= width + 0.01
            assert -0.01 <= y <= height + 0.01


@given(seeds)
def test_a_thing_is_shown_in_its_segments_and_where_its_keys_say(seed: int) -> None:
    way = build_track(Chance(seed), width=640, height=480, frames=80)
    frames = {frame for frame in range(100) if way.find_outline_at(frame)}
    assert frames == {frame for each in way.segments for frame in range(each.first, each.last + 1)}
    assert all(way.find_outline_at(key.frame) == way.find_outline(key) for each in way.segments for key in each.keys)
