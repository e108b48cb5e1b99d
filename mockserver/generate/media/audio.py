"""Sounds: tones and silence; questions about moments are answered where a tone begins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mockserver.generate.annotations import Annotator, encode_body, select_global_questions
from mockserver.generate.chance import Chance
from mockserver.generate.features import Ontology
from mockserver.generate.files.wav import Tone, encode_wav
from mockserver.generate.media.generator import Asset, MediaGenerator, Variant
from mockserver.world.record import JsonText

MEDIA_ATTRIBUTES = JsonText('{"asset_type":"audio","mime_type":"audio/wav"}')
"""Beside `mime_type` nothing is known of sounds (inferred from V1 `Media Attributes`)."""
SCALE = (220, 262, 294, 330, 392, 440)
"""Hertz."""


def build_tones(seed: int, project: str, number: int) -> list[Tone]:
    """Sound `number` of a project: three to six tones of up to three seconds, silence around each."""
    chance = Chance(seed, "audio", project, number)
    tones = [(0, 100 * chance.randint(2, 10))]
    for _ in range(chance.randint(3, 6)):
        tones += [(chance.choice(SCALE), 100 * chance.randint(5, 30)), (0, 100 * chance.randint(2, 10))]
    return tones


def find_tones(tones: list[Tone]) -> Iterator[tuple[int, int]]:
    """Yields the beginning and the end of each tone, in milliseconds."""
    now = 0
    for hertz, milliseconds in tones:
        if hertz:
            yield now, now + milliseconds
        now += milliseconds


class Audio(MediaGenerator):
    empty_body = b'{"classifications":[],"segments":{},"timestamp":{}}'

    def build_variant(self, seed: int, project: str, number: int, ontology: Ontology) -> Variant:
        """Questions of scope "index" take the tones in turn; the others are answered once."""
        annotator = Annotator(Chance(seed, "audio", project, number, "annotations"))
        segments: dict[str, list[list[int]]] = {}
        timestamp: dict[str, dict[str, list[dict[str, Any]]]] = {}
        questions = [question for question in ontology.questions if question.scope == "index"]
        ids = [annotator.build_feature(question)["feature_id"] for question in questions]
        for index, (first, last) in enumerate(find_tones(build_tones(seed, project, number)) if questions else ()):
            question, feature_id = questions[index % len(questions)], ids[index % len(questions)]
            answered = annotator.build_classification(question) | {"feature_id": feature_id}
            segments.setdefault(feature_id, []).append([first, last])
            timestamp[str(first)] = {"classifications": [answered]}
        annotations = {
            "classifications": annotator.build_classifications(select_global_questions(ontology.questions)),
            "segments": segments,
            "timestamp": timestamp,
        }
        return Variant(MEDIA_ATTRIBUTES, encode_body(annotations))

    def build_asset(self, seed: int, project: str, number: int) -> Asset:
        return Asset("audio/wav", encode_wav(build_tones(seed, project, number)))
