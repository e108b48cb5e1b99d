"""Sounds as waveforms."""

from __future__ import annotations

import io
import struct
import wave

from mockserver.console.drawn import Drawing, Source, name_file
from mockserver.console.pictures import list_bars

PEAKS = 400


def draw_sound(source: Source) -> Drawing:
    content = source.content
    if content is None:
        return name_file(source)
    with wave.open(io.BytesIO(content)) as sound:
        width, channels, count = sound.getsampwidth(), sound.getnchannels(), sound.getnframes()
        milliseconds = 1000 * count / sound.getframerate()
        samples = sound.readframes(count)
    step = max(1, count // PEAKS) * width * channels
    peaks = [_measure_peak(samples[start : start + step], width) for start in range(0, len(samples), step)]
    points = [f"{100 * index / len(peaks):.2f},{50 - 48 * peak:.1f}" for index, peak in enumerate(peaks)]
    mirrored = [
        f"{100 * index / len(peaks):.2f},{50 + 48 * peak:.1f}" for index, peak in reversed(list(enumerate(peaks)))
    ]
    bars = list_bars(source.annotations.get("segments"), milliseconds)
    return Drawing("sound", peaks=" ".join(points + mirrored), bars=bars)


def _measure_peak(samples: bytes, width: int) -> float:
    """The loudest of some samples, from 0 to 1; those of one byte have no sign."""
    if width == 1:
        return max((abs(value - 128) for value in samples), default=0) / 128
    values = struct.unpack(f"<{len(samples) // 2}h", samples[: len(samples) // 2 * 2]) if width == 2 else ()
    return max(map(abs, values), default=0) / 32768
