"""Chats with models: a user asks, two or three models answer each time, and labellers judge their answers.

The file's shape is that of the SDK's own tests against the service (conftest.py `offline_conversational_data_row`) and
of `ModelEvaluationTemplate` (SDK data_row_payload_templates.py).
"""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from mockserver.generate.annotations import Annotator, encode_body, select_global_questions, select_index_questions
from mockserver.generate.chance import Chance
from mockserver.generate.features import Feature, Ontology
from mockserver.generate.media.generator import Asset, MediaGenerator, Variant
from mockserver.generate.prose import write_paragraph, write_question
from mockserver.world import ids
from mockserver.world.record import JsonText, encode_json

MIME_TYPE = "application/vnd.labelbox.conversational.model-chat-evaluation"
MODELS = ("heron-large", "heron-small", "kestrel-chat", "sandpiper-2")


class Response(msgspec.Struct, frozen=True):
    message_id: str
    model: int
    content: str


class Turn(msgspec.Struct, frozen=True):
    """A prompt, and what each model answered."""

    message_id: str
    prompt: str
    responses: tuple[Response, ...]


WRITTEN = 1_727_740_800_000_000
"""When every message was written, as far as its id tells: 2024-10-01, in microseconds UTC."""


class Chat(msgspec.Struct, frozen=True):
    human_id: str
    model_ids: tuple[str, ...]
    """Actors; `models` are the names of their configurations, `config_ids` the ids."""
    models: tuple[str, ...]
    config_ids: tuple[str, ...]
    turns: tuple[Turn, ...]


def build_chat(seed: int, project: str, number: int) -> Chat:
    """Chat `number` of a project: one to three prompts."""
    root = (seed, "chat", project, number)
    chance = Chance(*root)
    models = chance.sample(MODELS, chance.randint(2, 3))
    turns = []
    for turn in range(chance.randint(1, 3)):
        responses = tuple(
            Response(
                ids.cuid(WRITTEN, *root, turn, model),
                model,
                write_paragraph(chance, "en", 1, 4, unusual=chance.happens(25)),
            )
            for model in range(len(models))
        )
        turns.append(Turn(ids.cuid(WRITTEN, *root, turn), write_question(chance), responses))
    return Chat(
        human_id=ids.cuid(WRITTEN, *root, "human"),
        model_ids=tuple(ids.cuid(WRITTEN, *root, name) for name in models),
        models=tuple(models),
        config_ids=tuple(ids.random_uuid(seed, "model config", project, name) for name in models),
        turns=tuple(turns),
    )


class ChatEvaluation(MediaGenerator):
    def build_variant(self, seed: int, project: str, number: int, ontology: Ontology) -> Variant:
        """Every tool judges the answers to one prompt or more."""
        talk = build_chat(seed, project, number)
        annotator = Annotator(Chance(seed, "chat", project, number, "annotations"))
        annotations = {
            "objects": [
                _build_judgement(annotator, tool, talk, turn)
                for tool in ontology.drawn
                for turn in annotator.chance.sample(talk.turns, annotator.chance.randint(1, len(talk.turns)))
            ],
            "classifications": [
                *annotator.build_classifications(select_global_questions(ontology.questions)),
                *annotator.answer_messages(select_index_questions(ontology.questions), _list_message_ids(talk)),
            ],
            "relationships": [],
        }
        return Variant(_render_attributes(talk), encode_body(annotations))

    def build_asset(self, seed: int, project: str, number: int) -> Asset:
        return Asset("application/json", orjson.dumps(build_document(build_chat(seed, project, number))))


def build_document(talk: Chat) -> dict[str, Any]:
    """The file. Each answer leads on to the next prompt, whichever model gave it."""
    human = {"role": "human", "metadata": {"name": "User"}}
    actors = {talk.human_id: human} | {
        actor: {"role": "model", "metadata": {"modelConfigId": config, "modelConfigName": name}}
        for actor, config, name in zip(talk.model_ids, talk.config_ids, talk.models, strict=True)
    }
    messages = {}
    for index, turn in enumerate(talk.turns):
        following = [later.message_id for later in talk.turns[index + 1 : index + 2]]
        answers = [response.message_id for response in turn.responses]
        messages[turn.message_id] = _build_message(talk.human_id, turn.prompt, answers)
        for response in turn.responses:
            actor = talk.model_ids[response.model]
            messages[response.message_id] = _build_message(actor, response.content, following)
    return {
        "type": MIME_TYPE,
        "version": 2,
        "draft": True,  # whatever became of it (SDK data_row_payload_templates.py: frozen)
        "rootMessageIds": [talk.turns[0].message_id],
        "actors": actors,
        "messages": messages,
    }


def _build_message(actor: str, content: str, following: list[str]) -> dict[str, Any]:
    return {"actorId": actor, "content": [{"type": "text", "content": content}], "childMessageIds": following}


def _list_message_ids(talk: Chat) -> list[str]:
    """Prompts and responses, in the order of the chat."""
    return [
        message_id
        for turn in talk.turns
        for message_id in (turn.message_id, *(response.message_id for response in turn.responses))
    ]


def _render_attributes(talk: Chat) -> JsonText:
    """The attributes of conversations (inferred)."""
    message_ids = _list_message_ids(talk)
    attributes = {
        "asset_type": "conversational",
        "mime_type": MIME_TYPE,
        "labelable_ids": message_ids,
        "message_count": len(message_ids),
    }
    return encode_json(attributes)


def _build_judgement(annotator: Annotator, tool: Feature, talk: Chat, turn: Turn) -> dict[str, Any]:
    """Objects of messages have no `value` (live-tested)."""
    answers = [
        {"message_id": response.message_id, "model_config_name": talk.models[response.model]}
        for response in turn.responses
    ]
    judgement = annotator.build_object(tool, _KINDS[tool.kind])
    del judgement["value"]
    parent = {"parent_message_id": turn.message_id}
    if tool.kind == "message-single-selection":
        return judgement | {"selected_message": annotator.chance.choice(answers) | parent}
    if tool.kind == "message-multi-selection":
        chosen = annotator.chance.sample(answers, annotator.chance.randint(1, len(answers)))
        return judgement | {"selected_messages": {"messages": chosen} | parent}
    ranked = [answer | {"order": place} for place, answer in enumerate(_shuffle(annotator.chance, answers), start=1)]
    return judgement | {"ranked_messages": {"ranked_messages": ranked} | parent}


_KINDS = {
    "message-single-selection": "MessageSingleSelection",
    "message-multi-selection": "MessageMultiSelection",
    "message-ranking": "MessageRanking",
}


def _shuffle(chance: Chance, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    left = list(answers)
    return [left.pop(chance.randbelow(len(left))) for _ in answers]
