"""The view of a data row: drawn for every medium, with the JSON of both exports, and buttons for every event."""

import html
import json
import re

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from contract_tests.rules.console.browsing import fetch, find_texts
from contract_tests.serving import ServedWorld
from mockserver.console.events import EVENTS
from mockserver.console.features import mark_ids
from mockserver.console.texts import split_text
from mockserver.world.media import MEDIA

WAYS = {
    "image": '<div class="picture"><img ',
    "video": "<video ",
    "text": "reading-text",
    "document": 'class="sheet"',
    "audio": 'class="wave"',
    "conversational": 'class="message ',
    "chat": 'class="message ',
    "dicom": "data:image/png",
    "html": "<iframe ",
    "geospatial": '<image href="/_files/',
    "tiles": '<image href="/_files/',
    "llm": "reading-text",
    "llm-prompt": "reading-text",
    "llm-response": "reading-text",
}
"""Media -> what its drawing contains."""


def list_rows(server: ServedWorld, project_id: str) -> list[str]:
    return find_texts(fetch(server, f"/console/projects/{project_id}"), r'href="(/console/rows/[^"]*)"')


@pytest.mark.parametrize("media", ["image", "video", "text", "document", "audio", "conversational", "chat", "dicom",
                                   "html", "geospatial", "llm"])  # fmt: skip
def test_every_row_of_every_medium_is_drawn(server: ServedWorld, media: str) -> None:
    paths = list_rows(server, server.projects[media])
    assert paths
    for path in paths:
        content = fetch(server, path)
        assert WAYS[media] in content, path
        assert "cannot be drawn" not in content
        for asset in find_texts(content, r'(?:src|href)="(/_files/[^"]*)"')[:3]:
            assert requests.get(server.url + asset, timeout=30).status_code == 200


def test_every_medium_has_a_way() -> None:
    assert {media.name for media in MEDIA} == set(WAYS)


def test_objects_are_drawn_and_listed_and_marked_in_both_exports(server: ServedWorld) -> None:
    [path, *_] = list_rows(server, server.projects["image"])
    content = fetch(server, path)
    v2 = json.loads(html.unescape(re.sub("<[^>]*>", "", find_texts_raw(content, "Export V2"))))
    [label] = v2["projects"][server.projects["image"]]["labels"]
    for drawn in label["annotations"]["objects"]:
        identity = drawn["feature_id"]
        assert f'data-feature="{identity}"' in content
        assert f'data-of="{identity}" class="c' in content or "composite_mask" in drawn
        assert content.count(f'<span data-of="{identity}">') >= 2
    assert json.loads(html.unescape(re.sub("<[^>]*>", "", find_texts_raw(content, "Export V1"))))["ID"] == label["id"]


def find_texts_raw(content: str, name: str) -> str:
    """The HTML of a block of JSON."""
    [raw] = re.findall(f'aria-label="{name}">(.*?)</pre>', content, re.DOTALL)
    return str(raw)


def test_buttons_make_every_event_happen(server: ServedWorld) -> None:
    [path, *_] = list_rows(server, server.projects["text"])
    forms = re.findall(r'data-call="POST (/_mock/events[^"]*)" data-body="([^"]*)"', fetch(server, path))
    bodies = [json.loads(html.unescape(body)) for _, body in forms]
    order = {event: place for place, event in enumerate(EVENTS)}
    assert {body["event"] for body in bodies} == set(order)
    assert {body["data_row"] for body in bodies} == {path.split("/")[3].partition("?")[0]}
    for body in sorted(bodies, key=lambda body: ("DELETED" in body["event"], order[body["event"]])):
        answer = requests.post(f"{server.url}/_mock/events", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        fetch(server, path)


@pytest.mark.parametrize("path", ["nope", "%3Cscript%3E"])
def test_an_unknown_row_is_named(server: ServedWorld, path: str) -> None:
    assert "does not exist" in fetch(server, f"/console/rows/{path}", 404)


def test_unknown_labels_and_projects_of_a_row_show_its_first(server: ServedWorld) -> None:
    [path, *_] = list_rows(server, server.projects["image"])
    assert "Label 1" in fetch(server, path.split("?")[0], project="nope", label="<b>")


def test_earlier_payloads_are_drawn_too() -> None:
    with ServedWorld("--scenario", "classic-2023") as world:
        for name in ("image", "video", "text"):
            [path, *_] = list_rows(world, world.projects[name])
            assert WAYS[name] in fetch(world, path)


@given(text=st.text(max_size=60), marks=st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=5))
def test_split_texts_are_whole_and_marked_exactly(text: str, marks: list[tuple[int, int]]) -> None:
    triples = [(low, high, str(place)) for place, (low, high) in enumerate(marks)]
    spans = split_text(text, triples)
    assert "".join(span.text for span in spans) == text
    at = 0
    for span in spans:
        for place in range(at, at + len(span.text)):
            assert set(span.ids) == {name for low, high, name in triples if low <= place <= high}
        at += len(span.text)


IDS = ["c" + "a" * 24, "c" + "b" * 24]


@given(parts=st.lists(st.sampled_from([*IDS, "<script>", '"', "&", " ", "x"]), max_size=12))
def test_marked_texts_say_the_same(parts: list[str]) -> None:
    text = "|".join(parts)
    marked = mark_ids(text, IDS)
    assert Markup(re.sub("</?span[^>]*>", "", marked)).unescape() == text
    assert "<script" not in marked
    assert marked.count("<span") == sum(part in IDS for part in parts)
