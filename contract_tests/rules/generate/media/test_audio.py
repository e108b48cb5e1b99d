"""Sounds: what is asked of a moment is answered where a tone begins."""

import io
import wave

import pytest

from contract_tests.rules.generate.media.times import (
    VARIANTS,
    TimedSample,
    features_in,
    names_of,
    ontology_of,
    variants,
)
from mockserver.generate.files.wav import RATE, SILENCE
from mockserver.generate.media.audio import build_tones, find_tones
from mockserver.generate.media.generator import get_generator


@pytest.fixture(scope="module")
def samples() -> list[TimedSample]:
    return list(variants("audio"))


@pytest.mark.known("client")
def test_a_body_has_the_three_keys_of_a_sound(samples: list[TimedSample]) -> None:
    for each in samples:
        assert list(each.document) == ["classifications", "segments", "timestamp"]


@pytest.mark.known("documented")
def test_questions_of_moments_are_under_timestamp_and_the_others_under_classifications(
    samples: list[TimedSample],
) -> None:
    scopes = {question.name: question.scope for question in ontology_of("audio").questions}
    seen = 0
    for each in samples:
        assert {scopes[answered["name"]] for answered in each.document["classifications"]} == {"global"}
        for moment in each.document["timestamp"].values():
            assert list(moment) == ["classifications"]
            assert {scopes[answered["name"]] for answered in moment["classifications"]} == {"index"}
            seen += 1
    assert seen > 20


@pytest.mark.known("inferred")
def test_a_segment_says_in_milliseconds_how_long_an_answer_holds(samples: list[TimedSample]) -> None:
    for number, each in enumerate(samples):
        segments = [tuple(pair) for pairs in each.document["segments"].values() for pair in pairs]
        assert sorted(segments) == list(find_tones(build_tones(0, "audio", number)))
        for feature_id, pairs in each.document["segments"].items():
            for first, _ in pairs:
                [answered] = each.document["timestamp"][str(first)]["classifications"]
                assert answered["feature_id"] == feature_id


@pytest.mark.parametrize("number", VARIANTS[:4])
def test_there_is_a_tone_in_every_segment_and_silence_elsewhere(number: int) -> None:
    with wave.open(io.BytesIO(get_generator("audio").build_asset(0, "audio", number).content)) as read:
        samples = read.readframes(read.getnframes())
    silent = set(range(0, len(samples) * 1000 // RATE, 50))
    for first, last in find_tones(build_tones(0, "audio", number)):
        assert len(set(samples[first * RATE // 1000 : last * RATE // 1000])) > 1
        silent -= set(range(first // 50 * 50, last, 50))
    assert {samples[at * RATE // 1000] for at in silent} == {SILENCE}


def test_every_annotation_is_in_the_ontology(samples: list[TimedSample]) -> None:
    known = names_of(ontology_of("audio"))
    for each in samples:
        for feature in features_in(each.document):
            assert (feature["feature_schema_id"], feature["name"], feature["value"]) in known
        assert each.attributes == {"asset_type": "audio", "mime_type": "audio/wav"}
