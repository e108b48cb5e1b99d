"""The geometries of conversations: words of a message, and judgements that select or rank messages."""

from __future__ import annotations

from mockserver.imports.geometry_parts import JsonObject, Sent, check_range
from mockserver.imports.lines import Judgement, Message
from mockserver.imports.problems import refuse_value


def build_message_entity(sent: Sent) -> JsonObject:
    place, message = sent.line.location, sent.line.message_id
    assert place is not None, "find_geometry checks that the key is set"
    check_range(place.start, place.end, "location")
    if message is None:
        raise refuse_value("messageId", None, "the id of the message that the entity is in")
    return {"conversational_location": {"message_id": message, "location": {"start": place.start, "end": place.end}}}


def _build_judgement(sent: Sent) -> Judgement:
    task = sent.line.message_evaluation_task
    assert task is not None, "find_geometry checks that the key is set"
    if task.format != sent.tool.kind:
        raise refuse_value(
            "messageEvaluationTask.format", task.format, f"{sent.tool.kind}, which {sent.tool.name!r} is"
        )
    return task.data


_DATA = "messageEvaluationTask.data"


def build_selected_message(sent: Sent) -> JsonObject:
    data = _build_judgement(sent)
    if data.message_id is None or data.model_config_name is None:
        raise refuse_value(_DATA, "without a message", "messageId, modelConfigName and parentMessageId")
    message = {"message_id": data.message_id, "model_config_name": data.model_config_name}
    return {"selected_message": message | {"parent_message_id": data.parent_message_id}}


def build_selected_messages(sent: Sent) -> JsonObject:
    data = _build_judgement(sent)
    messages = [_build_message(message) for message in data.selected_messages or []]
    if not messages:
        raise refuse_value(f"{_DATA}.selectedMessages", data.selected_messages, "at least one message")
    return {"selected_messages": {"messages": messages, "parent_message_id": data.parent_message_id}}


def build_ranked_messages(sent: Sent) -> JsonObject:
    """Orders are consecutive numbers from 1 (SDK mmc.py `_validate_ranked_messages`)."""
    data = _build_judgement(sent)
    ranked = data.ranked_messages or []
    if not ranked or {message.order for message in ranked} != set(range(1, len(ranked) + 1)):
        raise refuse_value(
            f"{_DATA}.rankedMessages",
            [message.order for message in ranked],
            "messages with the orders 1, 2, 3 and so on",
        )
    messages = [_build_message(message) | {"order": message.order} for message in ranked]
    return {"ranked_messages": {"ranked_messages": messages, "parent_message_id": data.parent_message_id}}


def _build_message(message: Message) -> JsonObject:
    return {"message_id": message.message_id, "model_config_name": message.model_config_name}
