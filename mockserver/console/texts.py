"""Texts with marked words: a text, a conversation, the pages of a document."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import orjson

from mockserver.console.drawn import Drawing, Frame, Json, Message, Source, Span, name_file
from mockserver.console.shapes import Shape, draw_object
from mockserver.generate.assets import build_text_layer

MOST_CHARACTERS = 100_000


def split_text(text: str, marks: list[tuple[int, int, str]]) -> list[Span]:
    """Splits a text where a mark begins or ends. Marks are (first character, last character, feature)."""
    text = text[:MOST_CHARACTERS]
    ends = sorted({0, len(text), *(max(0, min(at, len(text))) for low, high, _ in marks for at in (low, high + 1))})
    return [
        Span(text[start:end], tuple(feature for low, high, feature in marks if low <= start and end <= high + 1))
        for start, end in pairwise(ends)
    ]


def draw_text(source: Source) -> Drawing:
    content = source.content
    if content is None:
        return name_file(source)
    marks = [
        (int(item["location"]["start"]), int(item["location"]["end"]), str(item["feature_id"]))
        for item in source.objects
        if "location" in item
    ]
    return Drawing("text", spans=split_text(content.decode("utf-8", "replace"), marks))


def draw_conversation(source: Source) -> Drawing:
    document = orjson.loads(source.content or b"{}")
    marks: dict[str, list[tuple[int, int, str]]] = {}
    for item in source.objects:
        place = item.get("conversational_location")
        if place:
            span = place["location"]
            mark = (int(span["start"]), int(span["end"]), str(item["feature_id"]))
            marks.setdefault(place["message_id"], []).append(mark)
    messages = [
        Message(identity, speaker, side, split_text(text, marks.get(identity, [])))
        for identity, speaker, side, text in _list_messages(document)
    ]
    return Drawing("messages", messages=messages)


def _list_messages(document: Json) -> Iterator[tuple[str, str, str, str]]:
    """(id, speaker, side, text) of the messages of a conversation, or of a chat with models."""
    messages = document["messages"]
    if isinstance(messages, list):
        for message in messages:
            speaker = message.get("user", {}).get("name") or ""
            side = "right" if message.get("align") == "right" else "left"
            yield str(message["messageId"]), str(speaker), side, str(message["content"])
        return
    for identity, message in messages.items():
        actor = document["actors"].get(message["actorId"], {})
        about = actor.get("metadata", {})
        name = about.get("name") or about.get("modelConfigName") or ""
        text = "\n".join(str(part.get("content")) for part in message["content"])
        yield identity, str(name), "left" if actor.get("role") == "human" else "right", text


def draw_document(source: Source) -> Drawing:
    """Pages from the text layer, in points; entities are the boxes of their tokens."""
    asset = source.row.asset
    layer = None if asset is None else build_text_layer(asset, seed=source.seed)
    if layer is None:
        return name_file(source)
    pages = orjson.loads(layer.content)
    tokens = {
        token["id"]: (index, token["geometry"])
        for index, page in enumerate(pages)
        for group in page["groups"]
        for token in group["tokens"]
    }
    shapes: dict[int, list[Shape]] = {index: [] for index in range(len(pages))}
    for item in source.objects:
        if "bounding_box" in item:
            shapes.setdefault(int(item.get("page_number") or 0), []).extend(draw_object(item, {}))
        for group in (item.get("location") or {}).get("groups") or ():
            for token in group.get("tokens") or ():
                index, box = tokens[token]
                shapes[index].extend(draw_object({"feature_id": item["feature_id"], "bounding_box": box}, {}))
    frames = [Frame(index, shapes[index], list(_list_words(page))) for index, page in enumerate(pages)]
    return Drawing("pages", float(pages[0]["width"]), float(pages[0]["height"]), frames=frames)


def _list_words(page: Json) -> Iterator[tuple[float, float, float, str]]:
    """(left, baseline, width, text) of the words of a page."""
    for group in page["groups"]:
        for token in group["tokens"]:
            box = token["geometry"]
            yield box["left"], box["top"] + box["height"] * 0.8, box["width"], token["content"]
