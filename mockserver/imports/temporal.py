"""Questions whose answers change with time: in frames of clips and volumes, and at timestamps of sounds.

Two spellings were sent: one list of `frames` for the whole answer (SDK ndjson/classification.py `VideoSupported`), and
answers that each have their own (ndjson/temporal.py, `NDVideoText`). Both become the second here.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple

from mockserver.generate.annotations import FeatureBuilder
from mockserver.generate.features import Feature
from mockserver.imports.answers import RADIO, TEXT, check_question
from mockserver.imports.geometry_parts import check_range
from mockserver.imports.lines import Answer, Question, Range
from mockserver.imports.problems import refuse_value
from mockserver.imports.scopes import Scope

JsonObject = dict[str, Any]
Ranges = tuple[tuple[int, int], ...]
"""Inclusive pairs of frames or milliseconds."""
Identify = Callable[[tuple[object, ...], Feature], str]
"""Gives a part of the answers its feature id, by its place in the ontology."""


class Chosen(NamedTuple):
    """An answer, or a text, and the ranges in which it holds."""

    feature: Feature | None
    """None: the answer is a text."""
    text: str
    ranges: Ranges
    below: tuple[Timeline, ...]

    def began(self, moment: int) -> int | None:
        """When the range that holds a moment began; None if none does."""
        return max((first for first, last in self.ranges if first <= moment <= last), default=None)


class Timeline(NamedTuple):
    """A question with all its answers."""

    feature: Feature
    answers: tuple[Chosen, ...]

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """When anything is answered, each range once."""
        return sorted({pair for answer in self.answers for pair in answer.ranges})

    @property
    def moments(self) -> set[int]:
        """The first and the last frame of every range, of nested answers too."""
        ends = {end for answer in self.answers for pair in answer.ranges for end in pair}
        return ends.union(*(nested.moments for answer in self.answers for nested in answer.below))


def has_frames(question: Question) -> bool:
    """Whether the answers of a question belong to frames."""
    reply = question.given
    return question.frames is not None or (isinstance(reply, list) and any(part.frames is not None for part in reply))


def read_timeline(
    question: Question, feature: Feature, scope: Scope, *, latest: int, path: str = "", outer: Ranges = ()
) -> Timeline:
    """A question and its answers in frames; answers without frames of their own have those above them. Raises
    LineProblem."""
    ranges = _read_ranges(question.frames, f"{path}frames", latest) or outer
    reply = question.given
    if feature.answered_by == TEXT and isinstance(reply, list):
        parts = reply
    else:
        if not (feature.answered_by == RADIO and isinstance(reply, list)):
            check_question(question, feature, path)
        if isinstance(reply, str):
            return Timeline(feature, (Chosen(None, reply, _require(ranges, f"{path}frames"), ()),))
        assert reply is not None, "check_question refuses a question without an answer"
        parts = reply if isinstance(reply, list) else [reply]
    options = scope.answers_of(feature)
    answers = [
        _read_answer(part, feature, options, ranges, latest, f"{path}answer[{index}]")
        for index, part in enumerate(parts)
    ]
    return Timeline(feature, tuple(answers))


def _read_answer(part: Answer, question: Feature, options: Scope, outer: Ranges, latest: int, path: str) -> Chosen:
    ranges = _require(_read_ranges(part.frames, f"{path}.frames", latest) or outer, f"{path}.frames")
    if question.answered_by == TEXT:
        if part.value is None:
            raise refuse_value(f"{path}.value", None, f"the text, because {question.name!r} is a {question.kind}")
        return Chosen(None, part.value, ranges, ())
    feature = options.find(part, path)
    scope = options.questions_of(feature)
    below = []
    for index, nested in enumerate(part.classifications or []):
        place = f"{path}.classifications[{index}]"
        feature_below = scope.find(nested, place)
        below.append(read_timeline(nested, feature_below, scope, latest=latest, path=f"{place}.", outer=ranges))
    return Chosen(feature, "", ranges, tuple(below))


def _read_ranges(ranges: list[Range] | None, path: str, latest: int) -> Ranges:
    for index, place in enumerate(ranges or []):
        check_range(place.start, place.end, f"{path}[{index}]")
        if place.end > latest:
            raise refuse_value(f"{path}[{index}].end", place.end, f"{latest} or less")
    return tuple(sorted({(place.start, place.end) for place in ranges or []}))


def _require(ranges: Ranges, path: str) -> Ranges:
    if not ranges:
        raise refuse_value(path, None, 'at least one range as {"start": first, "end": last}')
    return ranges


def identify_by_place(features: FeatureBuilder) -> Identify:
    """Each question and each answer keeps its id from frame to frame (observed 2025-04)."""
    known: dict[tuple[object, ...], str] = {}

    def identify(place: tuple[object, ...], feature: Feature) -> str:
        if place not in known:
            known[place] = str(features.build_feature(feature)["feature_id"])
        return known[place]

    return identify


def identify_anew(features: FeatureBuilder) -> Identify:
    """Each question keeps its id, and every answer of it has a new one."""
    by_place, numbers = identify_by_place(features), count()

    def identify(place: tuple[object, ...], feature: Feature) -> str:
        return by_place(place if len(place) == 1 else (*place, next(numbers)), feature)

    return identify


def answer_at(timeline: Timeline, moment: int, identify: Identify, place: tuple[object, ...] = ()) -> JsonObject | None:
    """The question as it is answered at a moment; None when it is not."""
    active = [answer for answer in timeline.answers if answer.began(moment) is not None]
    if not active:
        return None
    question = timeline.feature
    place = (*place, question.schema_id)
    classification = _build(question, identify(place, question))
    latest = max(active, key=lambda answer: answer.began(moment) or 0)
    if latest.feature is None:
        return classification | {"text_answer": {"content": latest.text, "classifications": []}}
    if question.answered_by == RADIO:
        return classification | {"radio_answer": _build_answer(latest, moment, identify, place)}
    answers = [_build_answer(answer, moment, identify, place) for answer in _first_of_each(active)]
    return classification | {"checklist_answers": answers}


def _first_of_each(active: list[Chosen]) -> list[Chosen]:
    """Each option once."""
    return list({answer.feature.schema_id: answer for answer in reversed(active) if answer.feature}.values())[::-1]


def _build_answer(answer: Chosen, moment: int, identify: Identify, place: tuple[object, ...]) -> JsonObject:
    feature = answer.feature
    assert feature is not None, "a text has no options"
    place = (*place, feature.schema_id)
    choice = _build(feature, identify(place, feature)) | {"classifications": []}
    nested = (answer_at(below, moment, identify, place) for below in answer.below)
    choice["classifications"] = [question for question in nested if question is not None]
    return choice


def _build(feature: Feature, feature_id: str) -> JsonObject:
    return {
        "feature_id": feature_id,
        "feature_schema_id": feature.schema_id,
        "name": feature.name,
        "value": feature.value,
    }
