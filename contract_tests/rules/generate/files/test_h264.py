"""The codes of H.264; what decoders make of whole clips is in test_mp4.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.generate.files.h264 import CHROMA_STEP, LUMA_STEP, encode_unit, quantize, se, to_ycbcr, ue


@pytest.mark.known("documented")
@pytest.mark.parametrize(("number", "code"), [(0, "1"), (1, "010"), (2, "011"), (3, "00100"), (7, "0001000")])
def test_numbers_are_coded_as_the_standard_shows(number: int, code: str) -> None:
    assert ue(number) == code


@pytest.mark.known("documented")
@pytest.mark.parametrize(("number", "code"), [(0, "1"), (1, "010"), (-1, "011"), (2, "00100"), (-2, "00101")])
def test_signed_numbers_are_coded_as_the_standard_shows(number: int, code: str) -> None:
    assert se(number) == code


@given(st.integers(-255, 255), st.sampled_from([LUMA_STEP, CHROMA_STEP]))
def test_every_difference_of_two_colours_has_its_coefficient(difference: int, step: int) -> None:
    assert step * quantize(difference, step) + 32 >> 6 == difference


@given(st.text("01", max_size=200), st.integers(0, 6))
def test_no_unit_holds_what_looks_like_the_start_of_one(bits: str, zeros: int) -> None:
    unit = encode_unit(0x65, bits + "0" * 8 * zeros + bits)
    assert b"\0\0\0" not in unit
    assert b"\0\0\1" not in unit
    assert b"\0\0\2" not in unit


@given(*[st.integers(0, 255)] * 3)
def test_colours_of_video_keep_away_from_the_ends(red: int, green: int, blue: int) -> None:
    luma, *differences = to_ycbcr(red, green, blue)
    assert 16 <= luma <= 235
    assert all(16 <= each <= 240 for each in differences)
