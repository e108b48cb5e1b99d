"""Steps from the newest form of a body to earlier ones (dates: exports/dates.py). They may change the document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mockserver.world.records.labels import PROJECT_STAND_IN

Document = dict[str, Any]

API = "/api/v1/"


def iterate_features(part: Any) -> Iterator[Document]:
    """Yields every feature of a body: objects, classifications and answers, at every depth."""
    if isinstance(part, dict):
        if "feature_id" in part:
            yield part
        for below in part.values():
            yield from iterate_features(below)
    elif isinstance(part, list):
        for below in part:
            yield from iterate_features(below)


def remove_schema_ids(document: Document) -> Document:
    for feature in iterate_features(document):
        feature.pop("feature_schema_id", None)
    return document


def remove_values(document: Document) -> Document:
    for feature in iterate_features(document):
        feature.pop("value", None)
    return document


def remove_tokens(document: Document) -> Document:
    for feature in iterate_features(document):
        feature.get("location", {}).pop("token", None)
    return document


def remove_page_dimensions(document: Document) -> Document:
    for feature in iterate_features(document):
        feature.pop("page_dimensions", None)
    return document


def remove_questions_below_texts(document: Document) -> Document:
    """Removes the questions of an answer in words, which used to be its content alone."""
    return _remove_questions(document, "text_answer")


def remove_questions_below_message_texts(document: Document) -> Document:
    """Removes those of an answer in words about a message, which had them later."""
    return _remove_questions(document, "conversational_text_answer")


def _remove_questions(document: Document, answer: str) -> Document:
    for feature in iterate_features(document):
        if answer in feature:
            feature[answer].pop("classifications", None)
    return document


def remove_units(document: Document) -> Document:
    """Removes the units of measures in points, which used to have none."""
    for feature in iterate_features(document):
        for key in ("bounding_box", "page_dimensions"):
            if key in feature:
                feature[key].pop("unit", None)
    return document


def write_sounds_as_pictures(document: Document) -> Document:
    """Keeps only the classifications of a whole sound, in the container that pictures have."""
    if "timestamp" not in document:
        return document
    return {"objects": [], "classifications": document["classifications"], "relationships": []}


def use_plain_masks(document: Document) -> Document:
    """Gives masks URLs like `…/annotations/{feature}/mask`. Those of a clip need the number of a frame (inferred)."""
    return _use_masks(document, numbered="frames" in document or "groups" in document, composite=False)


def use_numbered_masks(document: Document) -> Document:
    """Gives masks URLs like `…/annotations/{feature}/index/{frame, or 1}/mask`."""
    return _use_masks(document, numbered=True, composite=False)


def use_both_masks(document: Document) -> Document:
    """Writes the numbered form, followed by the composite one."""
    return _use_masks(document, numbered=True, composite=True)


def use_composite_masks(document: Document) -> Document:
    """Removes the single masks of clips, which used to have composite masks alone."""
    for feature in iterate_features(document):
        if "composite_mask" in feature:
            feature.pop("mask", None)
    return document


def _use_masks(document: Document, *, numbered: bool, composite: bool) -> Document:
    for feature in iterate_features(document):
        if drawn := feature.pop("composite_mask", None):
            host, _, rest = drawn["url"].partition(f"{API}tasks/")
            index = f"/index/{rest.rpartition('/')[2]}" if numbered else ""
            annotation = f"projects/{PROJECT_STAND_IN}/annotations/{feature['feature_id']}"
            feature["mask"] = {"url": f"{host}{API}{annotation}{index}/mask"}
            if composite:
                feature["composite_mask"] = drawn
    return document


def move_frame_questions_to_top(document: Document) -> Document:
    """Moves the questions of a clip's frames to the top, once each with every answer. Their segments stay, and their
    key frames do not (SDK tests until 2024-10, annotation_import/conftest.py `expected_export_v2_video`)."""
    if "frames" not in document:
        return document
    questions: dict[str, Document] = {}
    moved: set[str] = set()
    for frame in document["frames"].values():
        for question in frame["classifications"]:
            moved.update(feature["feature_id"] for feature in iterate_features(question))
            _add_answers(questions.setdefault(question["feature_id"], question), question)
        frame["classifications"] = []
    document["frames"] = {number: frame for number, frame in document["frames"].items() if frame["objects"]}
    key_frames = document["key_frame_feature_map"]
    document["key_frame_feature_map"] = {name: known for name, known in key_frames.items() if name not in moved}
    document["classifications"] = [*document["classifications"], *questions.values()]
    return document


def _add_answers(known: Document, question: Document) -> None:
    """Adds the answers of a checklist that `known` does not have yet."""
    answers = known.get("checklist_answers", [])
    known_ids = {answer["feature_id"] for answer in answers}
    answers += [answer for answer in question.get("checklist_answers", []) if answer["feature_id"] not in known_ids]


def list_key_frames(document: Document) -> Document:
    """Writes `key_frame_feature_map` in the form of videos (sample): the numbers of the frames."""
    return _convert_key_frames(document, as_list=True)


def flag_key_frames(document: Document) -> Document:
    """Writes `key_frame_feature_map` in the form of DICOM (live-tested) and of an expectation of videos of 2023-04:
    true by frame number."""
    return _convert_key_frames(document, as_list=False)


def _convert_key_frames(document: Document, *, as_list: bool) -> Document:
    if "key_frame_feature_map" in document:
        document["key_frame_feature_map"] = _convert_frames(document["key_frame_feature_map"], as_list=as_list)
    return document


def _convert_frames(known: Any, *, as_list: bool) -> Any:
    """The frames of one feature, at any depth: `[1, 5]` or `{"1": true, "5": true}`."""
    if isinstance(known, list):
        return known if as_list else {str(frame): True for frame in known}
    if known and all(isinstance(flag, bool) for flag in known.values()):
        return [int(frame) for frame, flag in known.items() if flag] if as_list else known
    return {name: _convert_frames(below, as_list=as_list) for name, below in known.items()}
