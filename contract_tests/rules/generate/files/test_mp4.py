"""MP4 files: what two decoders find in them is what was put in, to the last pixel."""

import io
from pathlib import Path

import av
import cv2
import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.generate.files.h264 import CELL, Cells, Colour, encode_sequence_set, to_ycbcr
from mockserver.generate.files.mp4 import encode_mp4

colours: st.SearchStrategy[Colour] = st.tuples(*[st.integers(16, 235)] * 3)


@st.composite
def clips(draw: st.DrawFn) -> tuple[int, int, list[Cells]]:
    """Small clips of any size in whose pictures some cells changed."""
    width, height = 2 * draw(st.integers(1, 40)), 2 * draw(st.integers(1, 30))
    columns, rows = -(-width // CELL), -(-height // CELL)
    line = st.lists(colours, min_size=columns, max_size=columns)
    pictures = [draw(st.lists(line, min_size=rows, max_size=rows))]
    for _ in range(draw(st.integers(0, 20))):
        changed = [list(row) for row in pictures[-1]]
        for _ in range(draw(st.integers(0, 3))):
            changed[draw(st.integers(0, rows - 1))][draw(st.integers(0, columns - 1))] = draw(colours)
        pictures.append(changed)
    return width, height, list(pictures)


def planes(width: int, height: int, cells: Cells) -> list[numpy.ndarray]:
    """Luma and the two half-sized planes of colour, as the cells say."""
    grid = numpy.array(cells)
    expected = []
    for channel, size in enumerate((CELL, CELL // 2, CELL // 2)):
        whole = grid[:, :, channel].repeat(size, 0).repeat(size, 1)
        expected.append(whole[: height * size // CELL, : width * size // CELL])
    return expected


def decode(content: bytes) -> list[list[numpy.ndarray]]:
    """The planes of each frame, without the filling at the ends of lines."""
    frames = []
    with av.open(io.BytesIO(content), "r") as container:
        for frame in container.decode(video=0):
            sizes = [(frame.height, frame.width)] + [(frame.height // 2, frame.width // 2)] * 2
            raw = zip(frame.planes, sizes, strict=True)
            frames.append(
                [
                    numpy.frombuffer(bytes(plane), numpy.uint8).reshape(-1, plane.line_size)[:rows, :columns]
                    for plane, (rows, columns) in raw
                ]
            )
    return frames


@settings(max_examples=25)
@given(clips(), st.sampled_from([10, 23.976, 25, 29.97, 60]))
def test_a_decoder_finds_every_colour_of_every_frame(clip: tuple[int, int, list[Cells]], rate: float) -> None:
    width, height, pictures = clip
    frames = decode(encode_mp4(width, height, rate, pictures))
    assert len(frames) == len(pictures)
    for frame, cells in zip(frames, pictures, strict=True):
        for plane, expected in zip(frame, planes(width, height, cells), strict=True):
            assert (plane == expected).all()


def draw_moving_thing(columns: int, rows: int, count: int) -> list[Cells]:
    ground, thing = to_ycbcr(200, 210, 220), to_ycbcr(200, 30, 30)
    return [
        [[thing if (column, row) == (at % columns, 1) else ground for column in range(columns)] for row in range(rows)]
        for at in range(count)
    ]


@pytest.mark.parametrize(("width", "height", "rate", "count"), [(640, 360, 25, 60), (1280, 720, 29.97, 45)])
def test_both_decoders_find_size_rate_and_count(
    tmp_path: Path, width: int, height: int, rate: float, count: int
) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(encode_mp4(width, height, rate, draw_moving_thing(-(-width // CELL), -(-height // CELL), count)))
    with av.open(str(file), "r") as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.frames) == (width, height, count)
        assert stream.average_rate is not None
        assert float(stream.average_rate) == rate
    capture = cv2.VideoCapture(str(file))
    properties = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_COUNT)
    assert [capture.get(each) for each in properties] == [width, height, rate, count]
    read = 0
    while capture.read()[0]:
        read += 1
    assert read == count


def test_a_clip_is_small() -> None:
    assert len(encode_mp4(640, 360, 25, draw_moving_thing(40, 23, 100))) < 10_000


def test_a_clip_without_pictures_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one picture"):
        encode_mp4(16, 16, 25, [])


@pytest.mark.parametrize("size", [(15, 16), (16, 1), (0, 16)])
def test_an_odd_size_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="even numbers"):
        encode_sequence_set(*size)
