"""Texts and what is marked in them, with the characters that readers stumble over."""

import unicodedata

import pytest

from contract_tests.rules.generate.media.variants import Sample, build_samples, depth


@pytest.fixture(scope="module")
def variants() -> list[Sample]:
    return list(build_samples("text", count=80))


@pytest.mark.known("inferred")
def test_places_are_counted_in_code_points(variants: list[Sample]) -> None:
    outside_the_basic_plane = 0
    for item in variants:
        text = item.asset.content.decode()
        for thing in item.body["objects"]:
            start, end, token = thing["location"].values()
            assert text[start : end + 1] == token
            outside_the_basic_plane += any(ord(letter) > 0xFFFF for letter in text[:start])
    assert outside_the_basic_plane > 0


def test_texts_and_tokens_hold_characters_that_readers_stumble_over(variants: list[Sample]) -> None:
    texts = "".join(item.asset.content.decode() for item in variants)
    tokens = "".join(thing["location"]["token"] for item in variants for thing in item.body["objects"])
    assert "\u2028" in texts
    assert {unicodedata.category(letter) for letter in texts} >= {"Mn", "So", "Zl", "Cf"}
    assert {unicodedata.bidirectional(letter) for letter in tokens} >= {"L", "AL"}
    assert any(ord(letter) > 0xFFFF for letter in tokens)


def test_free_answers_come_in_several_scripts(variants: list[Sample]) -> None:
    answers = [
        answer["text_answer"]["content"]
        for item in variants
        for answer in item.body["classifications"]
        if "text_answer" in answer
    ]
    assert {answer.isascii() for answer in answers} == {True, False}


@pytest.mark.known("inferred")
def test_relationships_join_two_different_objects_of_their_label(variants: list[Sample]) -> None:
    """Their ends are known from a program that reads exports; the other keys are those of objects."""
    seen = 0
    for item in variants:
        ids = {thing["feature_id"] for thing in item.body["objects"]}
        for edge in item.body["relationships"]:
            assert list(edge)[:5] == ["feature_id", "feature_schema_id", "name", "value", "annotation_kind"]
            assert edge["annotation_kind"] == "TextUnidirectionalRelationship"
            ends = edge["unidirectional_relationship"]
            assert list(ends) == ["source", "target"]
            assert ends["source"] != ends["target"]
            assert set(ends.values()) <= ids
            assert edge["feature_id"] not in ids
            seen += 1
    assert seen > 10


def test_questions_are_nested(variants: list[Sample]) -> None:
    assert max(depth(item.body["classifications"]) for item in variants) >= 3
