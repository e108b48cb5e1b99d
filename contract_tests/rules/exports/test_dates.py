"""Rows as the service wrote them on a date: later additions are absent, and the newest form is unchanged."""

import datetime
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.rules.exports.rows import HOST, NOW, read, render
from mockserver.exports.dates import DATED, PayloadFormat
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.records.labels import PROJECT_STAND_IN as PROJECT
from mockserver.world.store import Store
from mockserver.world.switches import Switches

DAYS = st.dates(datetime.date(2023, 1, 1), datetime.date(2026, 1, 1))
NEWEST = PayloadFormat()
PROJECTS = ("image", "text", "video", "dicom", "audio", "document", "conversational", "html", "geospatial")


def render_with(store: Store, project: str, **switches: Any) -> bytes:
    WorkspaceSettings(store).set_switches(msgspec.structs.replace(Switches(), **switches))
    try:
        with store.reading() as connection:
            return render(connection, project)
    finally:
        WorkspaceSettings(store).set_switches(Switches())


def read_on(store: Store, date: str | None, project: str) -> list[Any]:
    WorkspaceSettings(store).set_payload_date(date)
    try:
        return read(store, project)
    finally:
        WorkspaceSettings(store).set_payload_date(None)


def keys(part: Any) -> set[str]:
    """Every key, anywhere."""
    if isinstance(part, dict):
        return set(part).union(*map(keys, part.values()))
    return set().union(*map(keys, part)) if isinstance(part, list) else set()


KEY_OF_CHANGE = {
    "feature_schema_ids": "feature_schema_id",
    "exif_rotation": "exif_rotation",
    "frame_attributes": "frame_count",
    "content_last_updated_at": "content_last_updated_at",
    "composite_masks": "composite_mask",
    "tokens": "token",
    "asset_type": "asset_type",
    "project_tags": "project_tags",
    "audio_segments": "timestamp",
    "page_dimensions": "page_dimensions",
    "schema_kinds": "schema_kind",
    "units": "unit",
    "performance_details_v2": "performance_details_v2",
}
"""Keys that the default world has."""


@pytest.mark.known("sample")
@pytest.mark.parametrize("name", KEY_OF_CHANGE)
def test_a_key_is_there_from_its_day_on_and_not_the_day_before(store: Store, name: str) -> None:
    since = DATED[name].since
    for day, expected in ((since, True), (since - datetime.timedelta(days=1), False)):
        names = set().union(*(keys(read_on(store, day.isoformat(), project)) for project in PROJECTS))
        assert (KEY_OF_CHANGE[name] in names) == expected


@pytest.mark.known("sample")
def test_rows_of_june_2023_have_the_keys_of_a_sample_of_that_date(store: Store) -> None:
    """The key sets of the export of 2023-06-04 (ZealotSniper), with every param on."""
    for row in read_on(store, "2023-06-30", "image"):
        assert set(row["media_attributes"]) == {"height", "width", "mime_type"}
        [project] = row["projects"].values()
        assert set(project) == {"name", "labels", "project_details"}
        for label in project["labels"]:
            for thing in label["annotations"]["objects"]:
                assert set(thing) >= {"feature_id", "name", "annotation_kind", "classifications"}
                assert not {"feature_schema_id", "value"} & keys(thing)


@pytest.mark.known("sample")
def test_a_mask_of_2023_names_its_project_and_its_object(store: Store) -> None:
    seen = 0
    for row in read_on(store, "2023-10-15", "image"):
        for project_id, project in row["projects"].items():
            for label in project["labels"]:
                for thing in label["annotations"]["objects"]:
                    if thing["annotation_kind"] == "ImageSegmentationMask":
                        seen += 1
                        expected = f"{HOST}/api/v1/projects/{project_id}/annotations/{thing['feature_id']}/mask"
                        assert thing["mask"] == {"url": expected}
    assert seen > 3


@pytest.mark.parametrize("project", PROJECTS)
def test_on_every_day_the_rest_of_a_row_is_the_same(store: Store, project: str) -> None:
    newest = read(store, project)
    for date in ("2023-06-30", "2024-03-01", "2024-08-01"):
        for old, new in zip(read_on(store, date, project), newest, strict=True):
            assert set(old) == set(new)
            assert remove_signature(old["data_row"]) == remove_signature(new["data_row"])
            assert list(old["data_row"]["details"]) == list(new["data_row"]["details"])
            assert [remove_schema_kind(field) for field in old["metadata_fields"]] == [
                remove_schema_kind(field) for field in new["metadata_fields"]
            ]
            if project == "video":  # questions of frames were once at the top
                assert set(feature_ids(old)) <= set(feature_ids(new))
            elif project != "audio":  # answers to timestamps had no place yet
                assert feature_ids(old) == feature_ids(new)


def remove_signature(data_row: Any) -> Any:
    """A data row without its details, and without the expiry and signature of its link."""
    return data_row | {"details": {}, "row_data": data_row["row_data"].partition("?")[0]}


@pytest.mark.known("sample")
def test_links_live_a_day_row_by_row_and_since_october_2025_five_days(store: Store) -> None:
    for date, last in (("2025-10-21", 24 * 3600_000), ("2025-10-22", 5 * 24 * 3600)):
        links = [row["data_row"]["row_data"] for row in read_on(store, date, "image")]
        queries = [dict(part.split("=") for part in link.partition("?")[2].split("&")) for link in links]
        ends = [int(part["Expires"]) for part in queries]
        unit = 1000 if date == "2025-10-21" else 1
        begins = NOW // 1_000_000 * unit
        assert ends == sorted(ends)
        assert {next(iter(part)) for part in queries} == {"Expires"}
        assert (len(set(ends)) == len(ends)) == (unit == 1000)
        assert all(0 <= end - begins - last < 1000 for end in ends)


@pytest.mark.known("sample")
def test_questions_of_frames_are_in_the_frames_since_2025_and_were_at_the_top_before(store: Store) -> None:
    def list_annotations(date: str | None) -> list[Any]:
        rows = read_on(store, date, "video")
        return [label["annotations"] for row in rows for each in row["projects"].values() for label in each["labels"]]

    for old, new in zip(list_annotations("2024-12-01"), list_annotations(None), strict=True):
        in_frames = {answered["name"] for frame in new["frames"].values() for answered in frame["classifications"]}
        top = {answered["name"] for answered in old["classifications"]}
        assert top == in_frames | {answered["name"] for answered in new["classifications"]}
        assert not any(frame["classifications"] for frame in old["frames"].values())
        assert all(frame["objects"] for frame in old["frames"].values())
        objects = {name for frame in old["frames"].values() for name in frame["objects"]}
        assert set(old["key_frame_feature_map"]) == objects
        assert old["segments"] == new["segments"], "annotation_import/conftest.py expected_export_v2_video, 6.0.0"


@pytest.mark.known("sample")
@pytest.mark.parametrize(
    ("date", "form", "image", "clip"),
    [
        ("2023-10-15", "dated", ["mask"], ["mask"]),
        ("2024-12-01", "dated", ["composite_mask"], ["composite_mask"]),
        (None, "dated", ["composite_mask"], ["mask", "composite_mask"]),
        (None, "composite", ["composite_mask"], ["composite_mask"]),
        (None, "both", ["mask", "composite_mask"], ["mask", "composite_mask"]),
        (None, "numbered", ["mask"], ["mask"]),
    ],
)
def test_which_masks_an_object_has(
    store: Store, date: str | None, form: str, image: list[str], clip: list[str]
) -> None:
    WorkspaceSettings(store).set_payload_date(date)
    try:
        texts = {project: render_with(store, project, masks=form) for project in ("image", "video")}
    finally:
        WorkspaceSettings(store).set_payload_date(None)
    for project, wanted in (("image", image), ("video", clip)):
        things = [
            thing
            for thing in objects_in(json.loads(b"[%b]" % b",".join(texts[project].splitlines())))
            if "Mask" in thing["annotation_kind"]
        ]
        assert things
        assert {tuple(key for key in thing if "mask" in key) for thing in things} == {tuple(wanted)}
        for thing in things:
            if "mask" in wanted:
                assert f"/annotations/{thing['feature_id']}/" in thing["mask"]["url"]


def objects_in(part: Any) -> Iterator[Any]:
    if isinstance(part, list):
        for below in part:
            yield from objects_in(below)
    elif isinstance(part, dict):
        if "annotation_kind" in part:
            yield part
        for below in part.values():
            yield from objects_in(below)


def remove_schema_kind(field: Any) -> Any:
    """A metadata field with only the keys that it has on all dates."""
    return {key: value for key, value in field.items() if key != "schema_kind"}


@pytest.mark.known("sample")
@pytest.mark.parametrize(("date", "rotation"), [("2023-10-15", "1"), ("2024-12-01", 1), (None, 1)])
def test_the_rotation_of_a_picture_is_a_number_since_2024(store: Store, date: str | None, rotation: Any) -> None:
    assert {repr(row["media_attributes"]["exif_rotation"]) for row in read_on(store, date, "image")} == {repr(rotation)}


@pytest.mark.known("client")
@pytest.mark.parametrize(
    ("key", "first"), [("text_answer", "2024-11-26"), ("conversational_text_answer", "2025-06-17")]
)
@pytest.mark.parametrize("project", ["image", "text", "document", "conversational", "chat", "llm", "audio"])
def test_an_answer_in_words_has_questions_below_it_since_a_day(
    store: Store, project: str, key: str, first: str
) -> None:
    """SDK tests tests/data/annotation_import/conftest.py 6.1.0 to 7.0.0: half a year later if it is about a message."""
    eve = (datetime.date.fromisoformat(first) - datetime.timedelta(days=1)).isoformat()
    for date, below in ((eve, False), (first, True), (None, True)):
        answers = list(answers_in_words(read_on(store, date, project), key))
        assert answers or key != "text_answer" or project in ("conversational", "chat")
        assert all(list(answer) == ["content", *["classifications"] * below] for answer in answers)
        assert all(answer.get("classifications", []) == [] for answer in answers)


def answers_in_words(part: Any, name: str) -> Iterator[dict[str, Any]]:
    if isinstance(part, list):
        for below in part:
            yield from answers_in_words(below, name)
    elif isinstance(part, dict):
        yield from (value for key, value in part.items() if key == name)
        for below in part.values():
            yield from answers_in_words(below, name)


@pytest.mark.known("client")
def test_boxes_and_pages_are_in_points_since_november_2024(store: Store) -> None:
    for date, unit in (("2024-11-25", []), ("2024-11-26", ["unit"])):
        boxes = [
            thing
            for row in read_on(store, date, "document")
            for project in row["projects"].values()
            for label in project["labels"]
            for thing in label["annotations"]["objects"]
            if thing["annotation_kind"] == "DocumentBoundingBox"
        ]
        assert boxes
        for box in boxes:
            assert list(box["bounding_box"]) == ["top", "left", "height", "width", *unit]
            assert list(box["page_dimensions"]) == ["height", "width", *unit]
            assert {box[key].get("unit", "points") for key in ("bounding_box", "page_dimensions")} == {"points"}


@pytest.mark.known("sample")
def test_moments_of_data_rows_were_whole_seconds_before_september_2024(store: Store) -> None:
    for date, whole in (("2024-08-31", True), ("2024-12-01", False)):
        details = [row["data_row"]["details"] for row in read_on(store, date, "image")]
        moments = [row[key] for row in details for key in ("created_at", "updated_at", "last_activity_at")]
        assert all(moment.endswith(".000+00:00") for moment in moments) == whole


def feature_ids(part: Any) -> list[str]:
    if isinstance(part, list):
        return [feature_id for below in part for feature_id in feature_ids(below)]
    if not isinstance(part, dict):
        return []
    own = [part["feature_id"]] if "feature_id" in part else []
    return own + [feature_id for below in part.values() for feature_id in feature_ids(below)]


def test_no_placeholder_is_left(store: Store) -> None:
    for project in PROJECTS:
        assert PROJECT not in str(read_on(store, "2023-06-30", project))


def test_a_late_date_and_none_are_the_newest_form(store: Store) -> None:
    late = PayloadFormat(max(item.since for item in DATED.values()))
    for form in (NEWEST, late):
        assert form.steps == []
        assert not form.lost_attributes
        assert all(form.has(name) for name in DATED)
    assert read_on(store, "2099-01-01", "image") == read(store, "image")


@given(DAYS, DAYS)
def test_no_change_is_undone_later(one: datetime.date, other: datetime.date) -> None:
    early, late = (PayloadFormat(day) for day in sorted((one, other)))
    assert all(late.has(name) for name in DATED if early.has(name))
    assert len(late.steps) <= len(early.steps)
    assert late.lost_attributes <= early.lost_attributes


def test_the_table_is_in_the_order_of_time_and_says_how_each_date_is_known() -> None:
    assert [item.since for item in DATED.values()] == sorted(item.since for item in DATED.values())
    for item in DATED.values():
        assert item.source.startswith(("client", "sample", "documented", "inferred"))


# Switches: forms that are known side by side


@pytest.mark.known("sample")
@pytest.mark.parametrize(("masks", "end"), [("plain", "/mask"), ("numbered", "/index/1/mask")])
def test_a_switch_gives_each_mask_a_url_of_its_own_whatever_the_date(store: Store, masks: str, end: str) -> None:
    text = render_with(store, "image", masks=masks).decode()
    assert "composite_mask" not in text
    urls = [
        thing["mask"]["url"]
        for row in map(json.loads, text.splitlines())
        for project in row["projects"].values()
        for label in project["labels"]
        for thing in label["annotations"]["objects"]
        if "mask" in thing
    ]
    assert len(urls) > 3
    assert len(urls) == len(set(urls))
    assert all(url.endswith(end) for url in urls)


@pytest.mark.known("documented")
def test_a_switch_keeps_composite_masks_on_an_early_date(store: Store) -> None:
    WorkspaceSettings(store).set_payload_date("2023-06-30")
    try:
        assert b"composite_mask" in render_with(store, "image", masks="composite")
    finally:
        WorkspaceSettings(store).set_payload_date(None)


@pytest.mark.parametrize("project", PROJECTS)
def test_in_utf_8_rows_say_the_same_in_fewer_bytes(store: Store, project: str) -> None:
    ascii_text, raw = (render_with(store, project, characters=form) for form in ("ascii", "utf-8"))
    assert ascii_text.isascii()
    assert [json.loads(line) for line in raw.split(b"\n")[:-1]] == [
        json.loads(line) for line in ascii_text.splitlines()
    ]
    assert (len(raw) < len(ascii_text)) or raw.isascii()


def test_a_switch_changes_only_its_subject(store: Store) -> None:
    newest = render_with(store, "text")
    for form in ({"masks": "plain"}, {"key_frame_feature_map": "dict"}, {"key_frame_feature_map": "list"}):
        assert render_with(store, "text", **form) == newest


@pytest.mark.known("sample")
@pytest.mark.parametrize(("project", "own"), [("video", "list"), ("dicom", "dict")])
def test_a_switch_gives_all_media_one_form_of_key_frames(store: Store, project: str, own: str) -> None:
    assert render_with(store, project, key_frame_feature_map=own) == render_with(store, project)
    other = {"list": "dict", "dict": "list"}[own]
    assert render_with(store, project, key_frame_feature_map=other) != render_with(store, project)


@pytest.mark.known("inferred")
@pytest.mark.parametrize("project", ["video", "dicom"])
def test_every_single_mask_of_a_clip_says_its_frame(store: Store, project: str) -> None:
    text = render_with(store, project, masks="plain").decode()
    urls = re.findall(r'"mask":\{"url":"([^"]+)"', text)
    assert len(urls) > 3
    assert all(re.search(r"/annotations/c[a-z0-9]{24}/index/[0-9]+/mask$", url) for url in urls)
