"""Steps from the newest form of a body to earlier ones (exports/dates.py says when each was). They may change it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mockserver.world.labels import PROJECT_STAND_IN

Document = dict[str, Any]

API = "/api/v1/"


def features(part: Any) -> Iterator[Document]:
    """Every feature of a body: objects, classifications, answers, whatever they are nested in."""
    if isinstance(part, dict):
        if "feature_id" in part:
            yield part
        for below in part.values():
            yield from features(below)
    elif isinstance(part, list):
        for below in part:
            yield from features(below)


def without_schema_ids(document: Document) -> Document:
    for feature in features(document):
        feature.pop("feature_schema_id", None)
    return document


def without_values(document: Document) -> Document:
    for feature in features(document):
        feature.pop("value", None)
    return document


def without_tokens(document: Document) -> Document:
    for feature in features(document):
        feature.get("location", {}).pop("token", None)
    return document


def without_page_dimensions(document: Document) -> Document:
    for feature in features(document):
        feature.pop("page_dimensions", None)
    return document


def without_questions_below_texts(document: Document) -> Document:
    """An answer in words was its content alone."""
    for feature in features(document):
        for key in ("text_answer", "conversational_text_answer"):
            if key in feature:
                feature[key].pop("classifications", None)
    return document


def without_units(document: Document) -> Document:
    """What is measured in points did not say so."""
    for feature in features(document):
        for key in ("bounding_box", "page_dimensions"):
            if key in feature:
                feature[key].pop("unit", None)
    return document


def sounds_like_pictures(document: Document) -> Document:
    """A sound had only classifications of the whole, in the container that pictures have."""
    if "timestamp" not in document:
        return document
    return {"objects": [], "classifications": document["classifications"], "relationships": []}


def with_plain_masks(document: Document) -> Document:
    """`…/annotations/{feature}/mask`. What a clip shows in a frame can only be told by a number (inferred)."""
    return _with_masks(document, numbered="frames" in document or "groups" in document, composite=False)


def with_numbered_masks(document: Document) -> Document:
    """`…/annotations/{feature}/index/{frame, or 1}/mask`."""
    return _with_masks(document, numbered=True, composite=False)


def with_both_masks(document: Document) -> Document:
    """The numbered form, and behind it the composite one."""
    return _with_masks(document, numbered=True, composite=True)


def with_composite_masks(document: Document) -> Document:
    """Clips too had composite masks alone."""
    for feature in features(document):
        if "composite_mask" in feature:
            feature.pop("mask", None)
    return document


def _with_masks(document: Document, *, numbered: bool, composite: bool) -> Document:
    for feature in features(document):
        if drawn := feature.pop("composite_mask", None):
            host, _, rest = drawn["url"].partition(f"{API}tasks/")
            index = f"/index/{rest.rpartition('/')[2]}" if numbered else ""
            annotation = f"projects/{PROJECT_STAND_IN}/annotations/{feature['feature_id']}"
            feature["mask"] = {"url": f"{host}{API}{annotation}{index}/mask"}
            if composite:
                feature["composite_mask"] = drawn
    return document


def with_questions_of_frames_at_the_top(document: Document) -> Document:
    """A clip told of its questions of frames once, with every answer, and in no frame (SDK tests until 2024-10)."""
    if "frames" not in document:
        return document
    asked: dict[str, Document] = {}
    told: set[str] = set()
    for frame in document["frames"].values():
        for question in frame["classifications"]:
            told.update(feature["feature_id"] for feature in features(question))
            _add_answers(asked.setdefault(question["feature_id"], question), question)
        frame["classifications"] = []
    document["frames"] = {number: frame for number, frame in document["frames"].items() if frame["objects"]}
    for key in ("segments", "key_frame_feature_map"):
        document[key] = {name: known for name, known in document[key].items() if name not in told}
    document["classifications"] = [*document["classifications"], *asked.values()]
    return document


def _add_answers(known: Document, question: Document) -> None:
    """The answers of a checklist that are not known yet."""
    answers = known.get("checklist_answers", [])
    there = {answer["feature_id"] for answer in answers}
    answers += [answer for answer in question.get("checklist_answers", []) if answer["feature_id"] not in there]


def with_lists_of_key_frames(document: Document) -> Document:
    """`key_frame_feature_map` as videos have it (sample): the numbers of the frames."""
    return _with_key_frames(document, as_list=True)


def with_flags_of_key_frames(document: Document) -> Document:
    """As DICOM has it (live-tested), and an expectation of videos of 2023-04: true by frame number."""
    return _with_key_frames(document, as_list=False)


def _with_key_frames(document: Document, *, as_list: bool) -> Document:
    if "key_frame_feature_map" in document:
        document["key_frame_feature_map"] = _key_frames(document["key_frame_feature_map"], as_list=as_list)
    return document


def _key_frames(known: Any, *, as_list: bool) -> Any:
    """Frames of one feature, whatever they are nested in: `[1, 5]` or `{"1": true, "5": true}`."""
    if isinstance(known, list):
        return known if as_list else {str(frame): True for frame in known}
    if known and all(isinstance(flag, bool) for flag in known.values()):
        return [int(frame) for frame, flag in known.items() if flag] if as_list else known
    return {name: _key_frames(below, as_list=as_list) for name, below in known.items()}
