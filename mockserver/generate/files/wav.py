"""Sounds as WAV files: one channel of 8 bits, in tones whose waves are triangles, so that no sine is computed."""

from __future__ import annotations

import struct
from collections.abc import Iterable

RATE = 8000
"""Samples a second."""
SILENCE, LOUDEST = 128, 100

Tone = tuple[int, int]
"""Hertz (0: silence), and how many milliseconds it lasts."""


def encode_wav(tones: Iterable[Tone]) -> bytes:
    """The tones one after another (RIFF, WAVE_FORMAT_PCM)."""
    data = b"".join(encode_samples(hertz, milliseconds) for hertz, milliseconds in tones)
    shape = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE, 1, 8)
    padding = b"\0" * (len(data) % 2)
    body = b"WAVE" + shape + struct.pack("<4sI", b"data", len(data)) + data + padding
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def encode_samples(hertz: int, milliseconds: int) -> bytes:
    """Whole periods of the tone, then as much of another as fits."""
    count = RATE * milliseconds // 1000
    if hertz == 0:
        return bytes([SILENCE]) * count
    period = max(4, RATE // hertz)
    wave = bytes(SILENCE - LOUDEST + 4 * LOUDEST * min(at, period - at) // period for at in range(period))
    return (wave * (count // period + 1))[:count]
