"""Prompts and responses: answers to questions of kinds of their own."""

import pytest

from contract_tests.rules.generate.media.variants import answer_keys, build_samples, depth, ontology_of
from mockserver.world.media import BY_NAME

ALL = [("llm", "default"), ("llm-prompt", "forms"), ("llm-response", "forms")]


@pytest.mark.known("client")
@pytest.mark.parametrize(("media", "scenario"), ALL)
def test_everything_is_an_answer_about_the_whole_row(media: str, scenario: str) -> None:
    for item in build_samples(media, scenario=scenario):
        assert item.body["objects"] == item.body["relationships"] == []
        assert all("message_id" not in answer for answer in item.body["classifications"])
        assert item.asset.content.decode().strip() != ""


@pytest.mark.known("client")
@pytest.mark.parametrize(("media", "scenario"), ALL)
def test_every_question_is_answered_by_the_key_of_its_kind(media: str, scenario: str) -> None:
    """They are always required (SDK tool_building/classification.py)."""
    keys = {"text": "text_answer", "radio": "radio_answer", "checklist": "checklist_answers"}
    questions = ontology_of(media, scenario=scenario).questions
    for item in build_samples(media, scenario=scenario):
        assert [answer["name"] for answer in item.body["classifications"]] == [question.name for question in questions]
        assert answer_keys(item.body) == {keys[question.answered_by] for question in questions}


@pytest.mark.known("client")
def test_their_values_keep_the_hyphen() -> None:
    """SDK tests conftest.py expected_export_v2_llm_prompt_response_creation."""
    for item in build_samples("llm"):
        assert all(answer["value"] == answer["name"] for answer in item.body["classifications"])
    assert {"prompt-text", "response-text"} <= {question.value for question in ontology_of("llm").questions}


def test_prompts_ask() -> None:
    for item in build_samples("llm"):
        assert item.body["classifications"][0]["text_answer"]["content"].endswith("?")


def test_responses_open_further_questions() -> None:
    assert max(depth(item.body["classifications"]) for item in build_samples("llm")) >= 3


@pytest.mark.known("client")
def test_projects_have_the_media_type_that_the_sdk_makes_them_with() -> None:
    kinds = {media: (BY_NAME[media].wire, BY_NAME[media].editor_task_type) for media, _ in ALL}
    assert kinds == {
        "llm": ("LLM_PROMPT_RESPONSE_CREATION", None),
        "llm-prompt": ("LLM_PROMPT_CREATION", None),
        "llm-response": ("TEXT", "RESPONSE_CREATION"),
    }
