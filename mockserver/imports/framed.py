"""Annotations in frames: of clips, and of volumes in three planes (generate/keyframes builds the same)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from mockserver.generate.annotations import (
    COMPOSITE_MASK,
    FeatureBuilder,
    build_composite_mask_url,
    build_single_mask_url,
)
from mockserver.generate.features import Feature
from mockserver.generate.keyframes import KeyFrames, reuse_ids
from mockserver.generate.media import dicom, video
from mockserver.imports.answers import AnswerBuilder
from mockserver.imports.contents import Contents
from mockserver.imports.geometries import check_keys
from mockserver.imports.geometry_parts import build_box, build_points
from mockserver.imports.lines import MOST_FRAMES, Colour, KeyFrame, Line, MaskFrame, MaskInstance, Segment
from mockserver.imports.masks import MaskSheet
from mockserver.imports.pictures import Spans, decode_base64, find_all_spans
from mockserver.imports.problems import LineProblem, refuse_value
from mockserver.imports.scopes import Scope
from mockserver.imports.temporal import Timeline, answer_at, identify_by_place, read_timeline
from mockserver.world.media import SHAPES

JsonObject = dict[str, Any]
NO_PLANE = ""
UNKNOWN_SIZE = (512, 512)
"""Width and height of a volume's frames of which nothing is known (inferred: the usual matrix of a scanner)."""
MOST_SHOWN = 200_000
"""Frames of all segments of a label together: an export with interpolation writes each of them."""
KEYS = {"rectangle": "bbox", "point": "point", "line": "line"}
"""Kind of tool -> key of a key frame."""
MASK_TOOLS = ("raster-segmentation", "superpixel")


class MaskUrls(NamedTuple):
    """`ordinal` is the end of the id of the plane's composite mask."""

    feature_id: str
    colour: list[int]
    ordinal: str
    single: bool

    def build(self, frame: int) -> JsonObject:
        """The URLs of an object's mask in a frame. Objects of clips have two (observed 2025-04)."""
        composite = {"url": build_composite_mask_url(frame, self.ordinal), "color_rgb": self.colour}
        single = {"mask": {"url": build_single_mask_url(self.feature_id, frame)}} if self.single else {}
        return single | {"composite_mask": composite}


class FramedLabel:
    """The frames of one label of a clip or a volume."""

    def __init__(
        self, media: str, contents: Contents, features: FeatureBuilder, answers: AnswerBuilder, scope: Scope
    ) -> None:
        self._media, self._is_volume = media, SHAPES.get(media) == "volume"
        self._features, self._answers, self._scope = features, answers, scope
        self._attributes = contents.attributes
        self._latest = min(self._attributes.get("frame_count") or MOST_FRAMES, MOST_FRAMES)
        self.masks = MaskSheet(contents.read_file)
        planes = dicom.PLANES if self._is_volume else (NO_PLANE,)
        self.sheets = {plane: KeyFrames() for plane in planes}
        self._shown = 0
        """Frames of all segments so far."""
        self._ordinals: dict[str, str] = {}
        """Plane -> end of its composite mask's id."""

    def _count_frames(self, segments: Iterable[tuple[int, int]]) -> None:
        """Raises LineProblem when a label has too many frames."""
        self._shown += sum(last - first + 1 for first, last in segments)
        if self._shown > MOST_SHOWN:
            raise refuse_value("segments", f"{self._shown:,} frames of a label", f"at most {MOST_SHOWN:,} frames")

    # Questions

    def add_timeline(self, line: Line, feature: Feature) -> None:
        """A question that is answered in frames. The first and the last frame of each range are key frames
        (live-tested in 2026), and the ranges are the segments of the answers (observed 2025-04)."""
        sheet = self.sheets[self._read_plane(line)]
        timeline = read_timeline(line, feature, self._scope, latest=self._latest)
        if any(first < 1 for first, _ in timeline.ranges):
            raise refuse_value("frames", timeline.ranges, "frames from 1 on")
        self._count_frames(timeline.ranges)
        identify = identify_by_place(self._features)
        for frame in sorted(timeline.moments):
            if answered := answer_at(timeline, frame, identify):
                sheet.add_answers(frame, answered)
        for place, ranges in _list_segments(timeline):
            feature_id = identify(tuple(part.schema_id for part in place), place[-1])
            sheet.segments.setdefault(feature_id, []).extend([first, last] for first, last in ranges)

    # Objects

    def add_object(self, line: Line, tool: Feature) -> None:
        """An object in segments of frames. Raises LineProblem."""
        kinds = dicom.KINDS if self._is_volume else video.KINDS
        if tool.kind not in kinds or tool.kind not in KEYS:
            raise LineProblem(
                "WrongAnnotationType",
                f"name is {tool.name!r}, a {tool.kind}, on a data row of type {self._media}; "
                f"expected {' or '.join(kinds)} (masks are sent under the key masks)",
            )
        check_keys(line, tool, ("segments",))
        assert line.segments, "check_keys requires them, and there is none without a key frame"
        sheet = self.sheets[self._read_plane(line)]
        start = self._features.build_feature(tool, annotation_kind=kinds[tool.kind])
        known: dict[tuple[str, ...], str] = {}
        key_frames = list(self._build_key_frames(line, tool, start, known))
        frames = [[key.frame for key in segment.keyframes] for segment in line.segments]
        segments = [(min(numbers), max(numbers)) for numbers in frames]
        self._count_frames(segments)
        sheet.segments[start["feature_id"]] = [[first, last] for first, last in segments]
        for frame, key_frame in sorted(key_frames, key=lambda item: item[0]):
            sheet.add_key_frame(frame, self._answers.add_confidence(key_frame, line))

    def _build_key_frames(
        self, line: Line, tool: Feature, start: JsonObject, known: dict[tuple[str, ...], str]
    ) -> Iterator[tuple[int, JsonObject]]:
        seen: set[int] = set()
        scope = self._scope.questions_of(tool)
        for path, key in _list_key_frames(line.segments or []):
            if key.frame in seen or key.frame > self._latest:
                raise refuse_value(f"{path}.frame", key.frame, f"each frame once, from 1 to {self._latest}")
            seen.add(key.frame)
            sent = key.classifications if key.classifications is not None else line.classifications
            questions = _drop_nested(self._answers.build_all(sent, scope, f"{path}."))
            reuse_ids(questions, known, ())
            yield key.frame, start | {"classifications": questions} | _build_geometry(key, tool, path)

    def add_masks(self, line: Line) -> None:
        """The masks of several objects in pictures, one for each key frame. Segments are the frames that follow each
        other (inferred). Raises LineProblem."""
        assert line.masks is not None, "the caller looked for it"
        plane = self._read_plane(line)
        self._check_frames([frame.index for frame in line.masks.frames])
        frames = sorted(line.masks.frames, key=lambda frame: frame.index)
        tools = [
            self._find_mask_tool(instance, f"masks.instances[{index}]")
            for index, instance in enumerate(line.masks.instances)
        ]
        colours = [instance.colour for instance in line.masks.instances]
        for index, colour in enumerate(colours):
            if colour in colours[:index]:
                raise refuse_value(f"masks.instances[{index}].colorRGB", list(colour), "a colour of its own")
        self._count_frames([(1, len(frames) * len(colours))])
        pictures: list[list[tuple[int, Spans | None]]] = [[] for _ in colours]
        for index, frame in enumerate(frames):
            for own, spans in zip(pictures, self._read_frame(frame, colours, f"masks.frames[{index}]"), strict=True):
                if spans is None or spans.spans:
                    own.append((frame.index, spans))
        for tool, own in zip(tools, pictures, strict=True):
            if own:
                self._add_mask(tool, own, plane)

    def _check_frames(self, numbers: Sequence[int]) -> None:
        """Raises LineProblem for a frame of masks that is sent twice, or is behind the last one."""
        seen: set[int] = set()
        for index, number in enumerate(numbers):
            if number > self._latest or number in seen:
                raise refuse_value(f"masks.frames[{index}].index", number, f"each frame once, from 1 to {self._latest}")
            seen.add(number)

    def _add_mask(self, tool: Feature, pictures: list[tuple[int, Spans | None]], plane: str) -> None:
        sheet, colour = self.sheets[plane], self.masks.take_colour()
        kinds = dicom.KINDS if self._is_volume else video.KINDS
        start = self._features.build_feature(tool, annotation_kind=kinds["raster-segmentation"], classifications=[])
        urls = MaskUrls(start["feature_id"], colour, self._take_ordinal(plane), not self._is_volume)
        more = {"plane": plane} if plane else {}
        for segment in _split_runs(pictures):
            first, last = segment[0][0], segment[-1][0]
            sheet.segments.setdefault(start["feature_id"], []).append([first, last])
            for frame, spans in segment:
                sheet.add_key_frame(frame, start | urls.build(frame))
                self.masks.add_entry(colour, spans, frame=frame, segment=[first, last], **more)

    def _take_ordinal(self, plane: str) -> str:
        """The end of the id of a plane's composite mask: each plane has one (generate/media/dicom)."""
        if plane not in self._ordinals:
            first = plane in (NO_PLANE, dicom.AXIAL)
            self._ordinals[plane] = COMPOSITE_MASK if first else self._features.take_ordinal()
        return self._ordinals[plane]

    def _read_frame(self, frame: MaskFrame, colours: list[Colour], path: str) -> Sequence[Spans | None]:
        """The pixels of each colour in a frame; None for each where the picture is only a URL. Raises LineProblem."""
        if frame.index > self._latest:
            raise refuse_value(f"{path}.index", frame.index, f"a frame from 1 to {self._latest}")
        if frame.picture is not None:
            return find_all_spans(decode_base64(frame.picture, f"{path}.imBytes"), colours, f"{path}.imBytes")
        if frame.instance_uri is None:
            raise refuse_value(f"{path}.instanceURI", None, "instanceURI or imBytes")
        png = self.masks.read_file(frame.instance_uri)
        return [None] * len(colours) if png is None else find_all_spans(png, colours, f"{path}.instanceURI")

    def _find_mask_tool(self, instance: MaskInstance, path: str) -> Feature:
        tool = self._scope.find(instance, path)
        if tool.kind not in MASK_TOOLS:
            raise LineProblem(
                "WrongAnnotationType", f"{path}.name is {tool.name!r}, a {tool.kind}; expected a tool for masks"
            )
        return tool

    def _read_plane(self, line: Line) -> str:
        """The plane that `groupKey` names (SDK video.py GroupKey). Raises LineProblem."""
        if not self._is_volume:
            if line.group_key is not None:
                raise refuse_value("groupKey", line.group_key, "no groupKey: only volumes have planes")
            return NO_PLANE
        plane = (line.group_key or dicom.AXIAL).capitalize()
        if plane not in self.sheets:
            raise refuse_value("groupKey", line.group_key, " or ".join(name.lower() for name in dicom.PLANES))
        return plane

    # The whole

    def build_document(self, classifications: list[JsonObject]) -> JsonObject:
        """The annotations, with the answers about the whole data row."""
        if self._is_volume:
            return dicom.build_document(self.sheets, classifications)
        sheet = self.sheets[NO_PLANE]
        return {
            "frames": sheet.frames,
            "segments": sheet.segments,
            "key_frame_feature_map": sheet.keys,
            "classifications": classifications,
        }

    @property
    def aside(self) -> JsonObject:
        """The keys of the body's `aside`."""
        if not self._is_volume or not self.masks.entries:
            return self.masks.aside
        known = self._attributes.get("width"), self._attributes.get("height")
        size = self.masks.size or (known if all(known) else UNKNOWN_SIZE)
        planes = {
            plane: {"size": size} | ({"mask": self._ordinals[plane]} if plane in self._ordinals else {})
            for plane in dicom.PLANES
        }
        return self.masks.aside | {"planes": planes}


def _list_key_frames(segments: list[Segment]) -> Iterator[tuple[str, KeyFrame]]:
    for index, segment in enumerate(segments):
        for number, key in enumerate(segment.keyframes):
            yield f"segments[{index}].keyframes[{number}]", key


def _build_geometry(key: KeyFrame, tool: Feature, path: str) -> JsonObject:
    """The part of an object that belongs to a key frame. Raises LineProblem."""
    wanted = KEYS[tool.kind]
    sent = [name for name in KEYS.values() if getattr(key, name) is not None]
    if sent != [wanted]:
        raise refuse_value(
            path, " and ".join(sent) or "without geometry", f"{wanted}, because {tool.name!r} is a {tool.kind}"
        )
    if key.bbox is not None:
        return {"bounding_box": build_box(key.bbox, f"{path}.bbox")}
    if key.point is not None:
        return {"point": {"x": key.point.x, "y": key.point.y}}
    return {"line": build_points(key.line or [], f"{path}.line", 2, "line")}


def _drop_nested(questions: list[JsonObject]) -> list[JsonObject]:
    """The service does not keep questions below the answers about an object in frames (live-tested: SDK tests
    conftest.py, `expected_export_v2_video`)."""
    for question in questions:
        for answer in (*question.get("checklist_answers", ()), *filter(None, [question.get("radio_answer")])):
            answer["classifications"] = []
    return questions


def _list_segments(
    timeline: Timeline, above: tuple[Feature, ...] = ()
) -> Iterator[tuple[tuple[Feature, ...], list[tuple[int, int]]]]:
    """Yields the ranges of each answer, nested ones too; of a text, which has no answers, those of its question."""
    place = (*above, timeline.feature)
    ranges: dict[str, list[tuple[int, int]]] = {}
    answers = {answer.feature.schema_id: answer.feature for answer in timeline.answers if answer.feature}
    if not answers and not above:
        yield place, timeline.ranges
    for answer in timeline.answers:
        if answer.feature:
            ranges.setdefault(answer.feature.schema_id, []).extend(answer.ranges)
    for schema_id, feature in answers.items():
        yield (*place, feature), sorted(set(ranges[schema_id]))
    for answer in timeline.answers:
        if answer.feature:
            for below in answer.below:
                yield from _list_segments(below, (*place, answer.feature))


def _split_runs(pictures: list[tuple[int, Spans | None]]) -> list[list[tuple[int, Spans | None]]]:
    """Frames that follow each other."""
    numbered = groupby(enumerate(pictures), key=lambda item: item[1][0] - item[0])
    return [[frame for _, frame in run] for _, run in numbered]
