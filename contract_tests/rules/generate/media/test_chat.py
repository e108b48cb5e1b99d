"""Chats with models: judgements name the messages and models of the file."""

from typing import Any

import orjson
import pytest

from contract_tests.rules.generate.media.variants import Sample, answer_keys, build_samples, depth

OBJECT = ["feature_id", "feature_schema_id", "name", "annotation_kind", "classifications"]


@pytest.fixture(scope="module")
def variants() -> list[Sample]:
    return list(build_samples("chat"))


def document(item: Sample) -> Any:
    return orjson.loads(item.asset.content)


def list_of_kind(variants: list[Sample], kind: str, key: str) -> list[tuple[Any, Any]]:
    """(file, what was judged)."""
    judged = []
    for item in variants:
        for thing in item.body["objects"]:
            if thing["annotation_kind"] == kind:
                assert list(thing) == [*OBJECT, key]  # no `value`: SDK tests conftest.py expected_exports_v2_mmc
                judged.append((document(item), thing[key]))
    assert len(judged) > 20
    return judged


def check_message(chat: Any, message: Any, parent: str) -> None:
    """It answers the parent, and the model that said it has that name."""
    assert message["message_id"] in chat["messages"][parent]["childMessageIds"]
    actor = chat["actors"][chat["messages"][message["message_id"]]["actorId"]]
    assert actor["role"] == "model"
    assert actor["metadata"]["modelConfigName"] == message["model_config_name"]


@pytest.mark.known("client")
def test_the_file_is_a_tree_of_messages_from_its_roots(variants: list[Sample]) -> None:
    for item in variants:
        chat = document(item)
        assert chat["type"] == item.attributes["mime_type"]
        assert (chat["version"], set(chat)) == (
            2,
            {"type", "version", "draft", "rootMessageIds", "actors", "messages"},
        )
        reached: set[str] = set()
        waiting = list(chat["rootMessageIds"])
        while waiting:
            message_id = waiting.pop()
            reached.add(message_id)
            waiting += chat["messages"][message_id]["childMessageIds"]
        assert reached == set(chat["messages"]) == set(item.attributes["labelable_ids"])
        assert {message["actorId"] for message in chat["messages"].values()} == set(chat["actors"])
        assert [actor["role"] for actor in chat["actors"].values()].count("human") == 1


@pytest.mark.known("client")
def test_one_answer_is_the_best(variants: list[Sample]) -> None:
    for chat, chosen in list_of_kind(variants, "MessageSingleSelection", "selected_message"):
        assert list(chosen) == ["message_id", "model_config_name", "parent_message_id"]
        check_message(chat, chosen, chosen["parent_message_id"])


@pytest.mark.known("client")
def test_several_answers_may_be_chosen(variants: list[Sample]) -> None:
    counts = set()
    for chat, chosen in list_of_kind(variants, "MessageMultiSelection", "selected_messages"):
        assert list(chosen) == ["messages", "parent_message_id"]
        for message in chosen["messages"]:
            assert list(message) == ["message_id", "model_config_name"]
            check_message(chat, message, chosen["parent_message_id"])
        counts.add(len(chosen["messages"]))
    assert counts >= {1, 2}


@pytest.mark.known("client")
def test_answers_are_ranked_from_one(variants: list[Sample]) -> None:
    """Every answer has a place (SDK mmc.py MessageRankingTask)."""
    as_written = 0
    for chat, ranked in list_of_kind(variants, "MessageRanking", "ranked_messages"):
        places = ranked["ranked_messages"]
        assert [message["order"] for message in places] == list(range(1, len(places) + 1))
        answers = chat["messages"][ranked["parent_message_id"]]["childMessageIds"]
        order = [message["message_id"] for message in places]
        assert sorted(order) == sorted(answers)
        as_written += order == answers
        for message in places:
            check_message(chat, message, ranked["parent_message_id"])
    assert as_written < len(list_of_kind(variants, "MessageRanking", "ranked_messages"))


@pytest.mark.known("client")
def test_answers_about_a_message_name_one_of_the_chat(variants: list[Sample]) -> None:
    kinds = {"radio_answer", "checklist_answers", "text_answer"}
    assert set().union(*(answer_keys(item.body) for item in variants)) == kinds | {f"conversational_{k}" for k in kinds}
    for item in variants:
        message_ids = [answer["message_id"] for answer in item.body["classifications"] if "message_id" in answer]
        assert message_ids
        assert set(message_ids) <= set(document(item)["messages"])
    assert max(depth(item.body["classifications"]) for item in variants) >= 3
