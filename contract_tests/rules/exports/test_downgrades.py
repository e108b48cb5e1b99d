"""Earlier forms of a body: each step removes or rewrites one thing, at every depth."""

import copy
from typing import Any

import pytest

from mockserver.exports import downgrades
from mockserver.world.records.labels import PROJECT_STAND_IN as PROJECT

ANSWER = {"feature_id": "f3", "feature_schema_id": "s3", "name": "yes", "value": "yes", "classifications": []}
QUESTION = {"feature_id": "f2", "feature_schema_id": "s2", "name": "Is it?", "value": "is_it?", "radio_answer": ANSWER}
TEXT = {"feature_id": "f4", "feature_schema_id": "s4", "name": "value", "value": "v", "text_answer": {"content": "c"}}
URL = "http://mock/api/v1/tasks/t/masks/m/index/{}"


def thing(**geometry: Any) -> dict[str, Any]:
    known = {"feature_id": "f1", "feature_schema_id": "s1", "name": "n", "value": "n", "classifications": [QUESTION]}
    return copy.deepcopy(known | geometry)


def picture(**geometry: Any) -> dict[str, Any]:
    return {"objects": [thing(**geometry)], "classifications": [copy.deepcopy(TEXT)], "relationships": []}


def clip(**geometry: Any) -> dict[str, Any]:
    frame = {"objects": {"f1": thing(**geometry)}, "classifications": []}
    return {"frames": {"13": frame}, "segments": {"f1": [[13, 13]]}, "key_frame_feature_map": {"f1": [13]}}


@pytest.mark.parametrize("build", [picture, clip])
@pytest.mark.parametrize(
    ("step", "key"), [(downgrades.remove_schema_ids, "feature_schema_id"), (downgrades.remove_values, "value")]
)
def test_a_key_goes_from_every_feature_and_nothing_else_changes(build: Any, step: Any, key: str) -> None:
    before = build(point={"x": 1.0, "y": 2.0})
    after = step(copy.deepcopy(before))
    assert list(downgrades.iterate_features(after))
    assert not any(key in feature for feature in downgrades.iterate_features(after))
    for old, new in zip(downgrades.iterate_features(before), downgrades.iterate_features(after), strict=True):
        assert [name for name in old if name != key] == list(new)


@pytest.mark.known("client")
def test_a_token_goes_and_its_place_stays() -> None:
    after = downgrades.remove_tokens(picture(location={"start": 1, "end": 2, "token": "ab"}))
    assert after["objects"][0]["location"] == {"start": 1, "end": 2}


@pytest.mark.known("client")
def test_the_size_of_a_page_goes_and_the_page_stays() -> None:
    after = downgrades.remove_page_dimensions(picture(page_number=1, page_dimensions={"width": 1.0, "height": 2.0}))
    assert after["objects"][0]["page_number"] == 1
    assert "page_dimensions" not in after["objects"][0]


@pytest.mark.known("sample")
def test_a_mask_of_a_picture_has_a_url_of_its_own() -> None:
    mask = {"url": URL.format(1), "color_rgb": [1, 2, 3]}
    plain = downgrades.use_plain_masks(picture(composite_mask=mask))["objects"][0]
    numbered = downgrades.use_numbered_masks(picture(composite_mask=mask))["objects"][0]
    assert plain["mask"] == {"url": f"http://mock/api/v1/projects/{PROJECT}/annotations/f1/mask"}
    assert numbered["mask"] == {"url": f"http://mock/api/v1/projects/{PROJECT}/annotations/f1/index/1/mask"}
    assert "composite_mask" not in {*plain, *numbered}


@pytest.mark.known("inferred")
@pytest.mark.parametrize("step", [downgrades.use_plain_masks, downgrades.use_numbered_masks])
def test_a_mask_of_a_clip_names_its_frame_in_both_forms(step: Any) -> None:
    after = step(clip(composite_mask={"url": URL.format(13), "color_rgb": [1, 2, 3]}))
    mask = after["frames"]["13"]["objects"]["f1"]["mask"]
    assert mask == {"url": f"http://mock/api/v1/projects/{PROJECT}/annotations/f1/index/13/mask"}


@pytest.mark.known("client")
def test_a_sound_had_the_container_of_pictures() -> None:
    sound = {"classifications": [TEXT], "segments": {"f9": [[1, 2]]}, "timestamp": {"1": {"classifications": []}}}
    assert downgrades.write_sounds_as_pictures(sound) == {"objects": [], "classifications": [TEXT], "relationships": []}


@pytest.mark.parametrize("build", [picture, clip])
def test_what_is_no_sound_keeps_its_container(build: Any) -> None:
    assert downgrades.write_sounds_as_pictures(build()) == build()


NESTED = {"f1": {"Axial": {"1": True, "5": True}, "Coronal": {}}}


@pytest.mark.known("sample")
def test_key_frames_are_a_list_or_true_by_frame() -> None:
    listed, flagged = {"f1": [1, 5]}, {"f1": {"1": True, "5": True}}
    for known in (listed, flagged):
        assert downgrades.list_key_frames({"key_frame_feature_map": known}) == {"key_frame_feature_map": listed}
        assert downgrades.flag_key_frames({"key_frame_feature_map": known}) == {"key_frame_feature_map": flagged}


@pytest.mark.known("client")
def test_key_frames_of_a_volume_are_of_one_axis() -> None:
    assert downgrades.flag_key_frames({"key_frame_feature_map": NESTED})["key_frame_feature_map"] == NESTED
    frames = downgrades.list_key_frames({"key_frame_feature_map": NESTED})["key_frame_feature_map"]
    assert frames == {"f1": {"Axial": [1, 5], "Coronal": {}}}


def test_a_body_without_key_frames_gets_none() -> None:
    assert downgrades.list_key_frames(picture()) == picture()
