"""The annotations of one data row, line by line, as one canonical body: the same that the generator builds."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from mockserver.generate.annotations import FeatureBuilder, encode_body
from mockserver.generate.features import TOOLS, Feature
from mockserver.imports.answers import AnswerBuilder
from mockserver.imports.contents import Contents
from mockserver.imports.framed import FramedLabel
from mockserver.imports.geometries import RELATIONSHIPS, check_keys, find_geometry
from mockserver.imports.geometry_parts import Sent
from mockserver.imports.lines import LAST_MOMENT, Line, Selection
from mockserver.imports.masks import MaskSheet
from mockserver.imports.problems import LineProblem, refuse_value
from mockserver.imports.scopes import Scope
from mockserver.imports.temporal import answer_at, has_frames, identify_anew, read_timeline
from mockserver.world.ids import ORDINAL
from mockserver.world.media import SHAPES, AnnotationShape
from mockserver.world.record import JsonText, encode_json
from mockserver.world.records.labels import DIRECTIONS

JsonObject = dict[str, Any]
MESSAGE_TOOLS = ("message-single-selection", "message-multi-selection", "message-ranking")


class Target(NamedTuple):
    """The target of lines: a data row, and the features that they may name."""

    media: str
    """The word of the GraphQL enum `MediaType`."""
    contents: Contents
    scope: Scope
    keeps_confidence: bool = False

    @property
    def shape(self) -> AnnotationShape:
        """The shape of its annotations."""
        return SHAPES.get(self.media, "answers")


class ImportedBody(msgspec.Struct, frozen=True):
    """`content` and `aside` of a body (world/records/labels.py), or None if no line was right. `problems` are those of
    the lines that were not, by their position."""

    content: bytes | None
    aside: JsonText | None
    problems: dict[int, LineProblem]
    is_benchmark: bool = False


def build_body(target: Target, lines: list[Line]) -> ImportedBody:
    """The body of a label with these annotations. A line that is wrong is left out."""
    label = _BUILDERS.get(target.shape, _StillBuilder)(target)
    problems: dict[int, LineProblem] = {}
    relationships = [index for index, line in enumerate(lines) if line.relationship is not None]
    others = [index for index, line in enumerate(lines) if line.relationship is None]
    for index in (*others, *relationships):
        try:
            label.add(lines[index])
        except LineProblem as problem:
            problems[index] = problem
    if len(problems) == len(lines):
        return ImportedBody(None, None, problems)
    aside = label.build_aside()
    return ImportedBody(
        encode_body(label.build_document()),
        encode_json(aside) if aside else None,
        problems,
        any(line.is_benchmark_reference_label for index, line in enumerate(lines) if index not in problems),
    )


class _Builder:
    """The parts that all media types share: answers about the whole data row, and relationships."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._features = FeatureBuilder()
        self._answers = AnswerBuilder(self._features, keeps_confidence=target.keeps_confidence)
        self._classifications: list[JsonObject] = []

    def add(self, line: Line) -> None:
        """Adds one annotation. Raises LineProblem."""
        feature = self._target.scope.find(line, "")
        if feature.kind in TOOLS:
            self._add_object(line, feature)
        else:
            check_keys(line, feature, ("answer",))
            self._add_answer(line, feature)

    def _add_answer(self, line: Line, question: Feature) -> None:
        if has_frames(line):
            raise refuse_value("frames", "a list", f"no frames: a data row of type {self._target.media} has none")
        if line.message_id is not None and self._target.shape != "messages":
            raise refuse_value("messageId", line.message_id, "no messageId: only conversations have messages")
        self._classifications.append(self._answers.build(line, question, self._target.scope))

    def _add_object(self, line: Line, tool: Feature) -> None:
        raise LineProblem(
            "WrongAnnotationType",
            f"name is {tool.name!r}, a {tool.kind}, on a data row of type {self._target.media}; "
            "expected questions only",
        )

    def build_document(self) -> JsonObject:
        """The annotations."""
        raise NotImplementedError

    def build_aside(self) -> JsonObject:
        """The keys of the body's `aside`."""
        return {}


class _StillBuilder(_Builder):
    """Media without time."""

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._objects: list[JsonObject] = []
        self._relationships: list[JsonObject] = []
        self._ids: dict[str, str] = {}
        """`uuid` of a line -> feature id of its object."""
        self._masks = MaskSheet(target.contents.read_file)
        self._text_boxes: JsonObject = {}

    def _add_object(self, line: Line, tool: Feature) -> None:
        if tool.kind == "edge":
            self._relationships.append(self._build_relationship(line, tool))
            return
        target = self._target
        geometry = find_geometry(line, tool, target.media)
        shape = geometry.build(Sent(line, tool, target.contents, self._masks))
        annotation = self._features.build_feature(tool, annotation_kind=geometry.annotation_kind)
        annotation["classifications"] = self._answers.build_all(
            line.classifications, target.scope.questions_of(tool), ""
        )
        if tool.kind in MESSAGE_TOOLS:
            del annotation["value"]  # live-tested
        self._objects.append(self._answers.add_confidence(annotation | shape, line))
        if line.uuid is not None:
            self._ids[line.uuid] = annotation["feature_id"]
        if line.text_selections is not None:
            self._add_text_boxes(annotation["feature_id"], line.text_selections)

    def _build_relationship(self, line: Line, edge: Feature) -> JsonObject:
        """An edge between the objects of two other lines. Raises LineProblem."""
        check_keys(line, edge, ("relationship",))
        kind, relation = RELATIONSHIPS.get(self._target.shape), line.relationship
        assert relation is not None, "check_keys requires it"
        if kind is None:
            raise LineProblem(
                "WrongAnnotationType",
                f"A data row of type {self._target.media} has no relationships; leave the line out",
            )
        if relation.type not in DIRECTIONS:
            raise refuse_value("relationship.type", relation.type, " or ".join(DIRECTIONS))
        ends: JsonObject = {}
        for end, uuid in (("source", relation.source), ("target", relation.target)):
            if uuid not in self._ids:
                raise refuse_value(
                    f"relationship.{end}", uuid, "the uuid of an object of the same data row in this import"
                )
            ends[end] = self._ids[uuid]
        if relation.readonly:
            ends["readonly"] = True
        questions = self._answers.build_all(line.classifications, self._target.scope.questions_of(edge), "")
        kind = f"{kind}{relation.type.capitalize()}Relationship"
        start = self._features.build_feature(edge, annotation_kind=kind, classifications=questions)
        return start | {f"{relation.type}_relationship": ends}

    def _add_text_boxes(self, feature_id: str, selections: list[Selection]) -> None:
        """Notes where the words of an entity are, for Export V1, if the text layer is known."""
        tokens = self._target.contents.tokens
        boxes = []
        for group in selections:
            words = [tokens[token]["geometry"] for token in group.token_ids if token in tokens]
            if words:
                left, right = words[0]["left"], words[-1]["left"] + words[-1]["width"]
                sides = {"top": words[0]["top"], "left": left, "height": words[0]["height"]}
                boxes.append({"page": group.page} | sides | {"width": round(right - left, 2)})
        if boxes:
            self._text_boxes[feature_id[-ORDINAL:]] = boxes

    def build_document(self) -> JsonObject:
        return {
            "objects": self._objects,
            "classifications": self._classifications,
            "relationships": self._relationships,
        }

    def build_aside(self) -> JsonObject:
        return self._masks.aside | ({"text-bbox": self._text_boxes} if self._text_boxes else {})


class _FramedBuilder(_Builder):
    """Clips and volumes."""

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._frames = FramedLabel(target.media, target.contents, self._features, self._answers, target.scope)

    def add(self, line: Line) -> None:
        """Masks name their features themselves, one for each colour."""
        if line.masks is not None:
            self._frames.add_masks(line)
        else:
            super().add(line)

    def _add_answer(self, line: Line, question: Feature) -> None:
        if has_frames(line):
            self._frames.add_timeline(line, question)
        else:
            super()._add_answer(line, question)

    def _add_object(self, line: Line, tool: Feature) -> None:
        self._frames.add_object(line, tool)

    def build_document(self) -> JsonObject:
        return self._frames.build_document(self._classifications)

    def build_aside(self) -> JsonObject:
        return self._frames.aside


class _SoundBuilder(_Builder):
    """Sounds: answers about the whole, and answers at timestamps, in milliseconds."""

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._segments: dict[str, list[list[int]]] = {}
        self._timestamps: dict[int, list[JsonObject]] = {}

    def _add_answer(self, line: Line, question: Feature) -> None:
        """Answers with a range are written at its beginning (generate/media/audio)."""
        if not has_frames(line):
            super()._add_answer(line, question)
            return
        timeline = read_timeline(line, question, self._target.scope, latest=LAST_MOMENT)
        identify = identify_anew(self._features)
        for moment in sorted({first for first, _ in timeline.ranges}):
            answered = answer_at(timeline, moment, identify)
            assert answered is not None, "a range begins at this moment"
            self._timestamps.setdefault(moment, []).append(answered)
        question_id = identify((question.schema_id,), question)
        self._segments[question_id] = [[first, last] for first, last in timeline.ranges]

    def build_document(self) -> JsonObject:
        timestamps = {str(moment): {"classifications": self._timestamps[moment]} for moment in sorted(self._timestamps)}
        return {"classifications": self._classifications, "segments": self._segments, "timestamp": timestamps}


_BUILDERS: dict[AnnotationShape, type[_Builder]] = {
    "clip": _FramedBuilder,
    "volume": _FramedBuilder,
    "sound": _SoundBuilder,
}
"""Shape of annotations -> builder, where they have times."""
