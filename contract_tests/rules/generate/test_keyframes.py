"""Sheets of key frames."""

from mockserver.generate.annotations import Annotator
from mockserver.generate.chance import Chance
from mockserver.generate.features import Feature
from mockserver.generate.keyframes import KeyFrames
from mockserver.generate.tracks import Position, Segment, Track

TOOL = Feature("Box", "box", "s1", "n1", "rectangle")
NOTE = Feature("Note", "note", "s2", "n2", "text", scope="index")


def test_an_object_is_in_each_key_frame_of_its_track() -> None:
    keys = (Position(10, 5.0, 5.0, 2.0), Position(2, 1.0, 1.0, 2.0))
    way = Track(((1.0, 0.0),), (0, 0, 0), (Segment(10, 12, keys[:1]), Segment(2, 4, keys[1:])))
    sheet = KeyFrames()
    sheet.add_object(
        Annotator(Chance(0)).build_object(TOOL, "Kind"), way, lambda outline, place, stretch: {"at": place.x}
    )
    [feature_id] = sheet.segments
    assert list(sheet.frames) == ["2", "10"]
    assert [frame["objects"][feature_id]["at"] for frame in sheet.frames.values()] == [1.0, 5.0]
    assert (sheet.segments[feature_id], sheet.keys[feature_id]) == ([[10, 12], [2, 4]], [10, 2])


def test_a_question_of_frames_keeps_its_id_and_changes_its_answer() -> None:
    sheet = KeyFrames()
    sheet.add_classification(Annotator(Chance(3)), NOTE, 60)
    answers = [answer for frame in sheet.frames.values() for answer in frame["classifications"]]
    assert {answer["feature_id"] for answer in answers} == set(sheet.segments) == set(sheet.keys)
    assert len({answer["text_answer"]["content"] for answer in answers}) > 1
