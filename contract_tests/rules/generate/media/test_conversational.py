"""Conversations: annotations lie in the messages of the file."""

from typing import Any

import orjson
import pytest

from contract_tests.rules.generate.media.variants import Sample, answer_keys, build_samples, depth

KEYS = ["feature_id", "feature_schema_id", "name", "value"]
ANSWERS = {"radio_answer", "checklist_answers", "text_answer"}


@pytest.fixture(scope="module")
def variants() -> list[Sample]:
    return list(build_samples("conversational"))


def messages(item: Sample) -> dict[str, dict[str, Any]]:
    return {message["messageId"]: message for message in orjson.loads(item.asset.content)["messages"]}


@pytest.mark.known("documented")
def test_the_file_is_as_the_service_takes_it_in(variants: list[Sample]) -> None:
    for item in variants:
        document = orjson.loads(item.asset.content)
        assert (document["type"], document["version"]) == ("application/vnd.labelbox.conversational", 1)
        assert 2 <= len(document["messages"]) <= 250
        for message in document["messages"]:
            assert set(message) == {"messageId", "timestampUsec", "content", "user", "align", "canLabel"}
            assert set(message["user"]) == {"userId", "name"}
            assert message["align"] in {"left", "right"}
            assert 0 < len(message["content"]) < 10_000
        assert len(messages(item)) == len(document["messages"])


@pytest.mark.known("sample")
def test_the_row_says_how_many_messages_there_are_and_which_may_be_labelled(variants: list[Sample]) -> None:
    for item in variants:
        file_messages = messages(item)
        assert item.attributes == {
            "asset_type": "conversational",
            "mime_type": "application/vnd.labelbox.conversational",
            "labelable_ids": [message_id for message_id, message in file_messages.items() if message["canLabel"]],
            "message_count": len(file_messages),
        }
    assert any(len(item.attributes["labelable_ids"]) < item.attributes["message_count"] for item in variants)


@pytest.mark.known("client")
def test_entities_are_in_messages_that_may_be_labelled(variants: list[Sample]) -> None:
    marked = []
    for item in variants:
        file_messages = messages(item)
        for thing in item.body["objects"]:
            assert list(thing) == [*KEYS, "annotation_kind", "classifications", "conversational_location"]
            assert thing["annotation_kind"] == "ConversationalTextEntity"
            place = thing["conversational_location"]
            assert list(place) == ["message_id", "location"]
            message, (start, end) = file_messages[place["message_id"]], place["location"].values()
            assert message["canLabel"]
            assert 0 <= start <= end < len(message["content"])
            marked.append(message["content"][start : end + 1])
    assert len(marked) > 50
    assert all(words == words.strip() != "" for words in marked)
    assert any(not words.isascii() for words in marked)


@pytest.mark.known("client")
def test_answers_about_a_message_name_it_and_others_do_not(variants: list[Sample]) -> None:
    for item in variants:
        for answer in item.body["classifications"]:
            about_message = "message_id" in answer
            [key] = {*answer} - {*KEYS, "message_id"}
            assert key.startswith("conversational_") is about_message
            assert key.removeprefix("conversational_") in ANSWERS
            assert list(answer) == [*KEYS, *(["message_id"] if about_message else []), key]
            if about_message:
                assert answer["message_id"] in item.attributes["labelable_ids"]
    together = set().union(*(answer_keys(item.body) for item in variants))
    assert together == ANSWERS | {f"conversational_{key}" for key in ANSWERS}


def test_a_message_is_asked_the_same_question_once(variants: list[Sample]) -> None:
    for item in variants:
        questions = [(answer["name"], answer.get("message_id")) for answer in item.body["classifications"]]
        assert len(set(questions)) == len(questions)


def test_questions_are_nested(variants: list[Sample]) -> None:
    assert max(depth(item.body["classifications"]) for item in variants) >= 3
