"""Conversations of two people: messages in one language, entities in them, questions about all of it or about one.

The file's shape is the documented one for import (docs/import-conversational-text-data).
"""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from mockserver.generate.annotations import Annotator, encode_body, select_global_questions, select_index_questions
from mockserver.generate.chance import Chance
from mockserver.generate.features import Feature, Ontology
from mockserver.generate.media.generator import Asset, MediaGenerator, Variant
from mockserver.generate.prose import LANGUAGES, find_words, pick_phrases, write_paragraph
from mockserver.generate.words import load_table
from mockserver.world.record import JsonText, encode_json

MIME_TYPE = "application/vnd.labelbox.conversational"
FIRST_MESSAGE_AT = 1_530_718_491
"""Seconds, although the key says microseconds: so does the documented example."""


class Message(msgspec.Struct, frozen=True):
    id: str
    speaker: int
    """0 begins; only what 1 says may be labelled where 0 is a machine."""
    content: str
    labelable: bool


class Conversation(msgspec.Struct, frozen=True):
    names: tuple[str, str]
    messages: tuple[Message, ...]

    @property
    def labelable(self) -> list[Message]:
        return [message for message in self.messages if message.labelable]


def build_conversation(seed: int, project: str, number: int) -> Conversation:
    """Conversation `number` of a project: four to eight messages in turn, of which at least two can be labelled."""
    chance = Chance(seed, "conversational", project, number)
    language = LANGUAGES[number % len(LANGUAGES)]
    with_machine = chance.happens(40)
    names = ("Assistant" if with_machine else chance.choice(load_table("people")), chance.choice(load_table("people")))
    messages = []
    for index in range(chance.randint(4, 8)):
        said = write_paragraph(chance, language, 1, 3, unusual=chance.happens(25))
        messages.append(Message(f"message-{index}", index % 2, said, index % 2 == 1 or not with_machine))
    return Conversation(names, tuple(messages))


class Conversational(MediaGenerator):
    def build_variant(self, seed: int, project: str, number: int, ontology: Ontology) -> Variant:
        """Every tool marks words in one or two messages."""
        talk = build_conversation(seed, project, number)
        annotator = Annotator(Chance(seed, "conversational", project, number, "annotations"))
        objects = list(_build_entities(annotator, ontology.drawn, talk))
        message_ids = [message.id for message in talk.labelable]
        annotations = {
            "objects": objects,
            "classifications": [
                *annotator.build_classifications(select_global_questions(ontology.questions)),
                *annotator.answer_messages(select_index_questions(ontology.questions), message_ids),
            ],
            "relationships": annotator.build_relationships(ontology.edges, "TextUnidirectionalRelationship", objects),
        }
        return Variant(_render_attributes(talk), encode_body(annotations))

    def build_asset(self, seed: int, project: str, number: int) -> Asset:
        return Asset("application/json", orjson.dumps(build_document(build_conversation(seed, project, number))))


def build_document(talk: Conversation) -> dict[str, Any]:
    """The file, as it would be imported."""
    messages = [
        {
            "messageId": message.id,
            "timestampUsec": FIRST_MESSAGE_AT + 60 * index,
            "content": message.content,
            "user": {"userId": f"user-{message.speaker}", "name": talk.names[message.speaker]},
            "align": ("left", "right")[message.speaker],
            "canLabel": message.labelable,
        }
        for index, message in enumerate(talk.messages)
    ]
    return {"type": MIME_TYPE, "version": 1, "messages": messages}


def _render_attributes(talk: Conversation) -> JsonText:
    """Keys and order of a row in the SDK's tests (test_unit_export_task.py)."""
    attributes = {
        "asset_type": "conversational",
        "mime_type": MIME_TYPE,
        "labelable_ids": [message.id for message in talk.labelable],
        "message_count": len(talk.messages),
    }
    return encode_json(attributes)


def _build_entities(annotator: Annotator, tools: tuple[Feature, ...], talk: Conversation) -> list[dict[str, Any]]:
    """No entity is inside another: every message gives its phrases one by one."""
    places = {message.id: pick_phrases(annotator.chance, find_words(message.content)) for message in talk.labelable}
    entities = []
    for tool in tools:
        for message in annotator.chance.sample(talk.labelable, annotator.chance.randint(1, 2)):
            if place := next(places[message.id], None):
                location = {"start": place[0], "end": place[1]}
                spot = {"message_id": message.id, "location": location}
                entities.append(annotator.build_object(tool, "ConversationalTextEntity", conversational_location=spot))
    return entities
