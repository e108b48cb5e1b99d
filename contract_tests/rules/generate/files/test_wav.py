"""WAV files, read by Python's own reader and by a decoder."""

import io
import wave
from itertools import pairwise

import av
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.generate.files.wav import RATE, SILENCE, encode_samples, encode_wav

tones = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 500)), max_size=6)


@given(tones)
def test_a_sound_lasts_as_long_as_its_tones(notes: list[tuple[int, int]]) -> None:
    with wave.open(io.BytesIO(encode_wav(notes))) as read:
        assert (read.getnchannels(), read.getsampwidth(), read.getframerate()) == (1, 1, RATE)
        assert read.readframes(read.getnframes()) == b"".join(encode_samples(*tone) for tone in notes)
        assert read.getnframes() == sum(RATE * milliseconds // 1000 for _, milliseconds in notes)


@settings(max_examples=20)
@given(tones)
def test_a_decoder_hears_it(notes: list[tuple[int, int]]) -> None:
    content = encode_wav([*notes, (440, 100)])
    with av.open(io.BytesIO(content), "r") as container:
        heard = sum(frame.samples for frame in container.decode(audio=0))
    assert heard == sum(RATE * milliseconds // 1000 for _, milliseconds in notes) + RATE // 10


def test_silence_is_flat_and_a_tone_swings_as_often_as_it_says() -> None:
    assert set(encode_samples(0, 100)) == {SILENCE}
    second = encode_samples(400, 1000)
    rises = sum(one < SILENCE <= other for one, other in pairwise(second))
    assert rises == 400
