"""Files without a key: their links are signed, and nothing but the link as it was given opens them."""

import math
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.rules.api.asking import Answer, ask, export_project, file_at, get, raw, rows_of, task_of
from contract_tests.serving import ServedWorld

NDJSON = "application/x-ndjson; charset=utf-8"


MEDIA = ("image", "text", "video", "dicom", "audio")
STARTS = {"video": b"ftypisom", "dicom": b"DICM", "audio": b"WAVEfmt "}
"""What such files have near their beginning."""


@pytest.fixture(scope="module")
def result(server: ServedWorld) -> str:
    """Path and query of one file of a result."""
    return str(file_at(server, export_project(server, "image"), "0")["file"]).removeprefix(server.url)


@pytest.fixture(scope="module")
def assets(server: ServedWorld) -> dict[str, str]:
    """Path and query of one file of each media type."""
    rows = {media: rows_of(server, export_project(server, media))[0] for media in MEDIA}
    return {media: row["data_row"]["row_data"].removeprefix(server.url) for media, row in rows.items()}


@pytest.mark.known("client")
@pytest.mark.parametrize("key", [{}, {"authorization": "Bearer mock-api-key"}, {"authorization": "Bearer wrong"}])
def test_a_result_is_fetched_without_a_key_and_does_not_mind_one(
    server: ServedWorld, result: str, key: dict[str, str]
) -> None:
    answer = get(server, result, **key)
    assert (answer.status, answer.headers["content-type"]) == (200, NDJSON)
    assert answer.body.isascii()
    assert answer.body.endswith(b"\n")


@pytest.mark.parametrize("kind", ["result", *MEDIA])
def test_head_has_the_headers_of_get(server: ServedWorld, result: str, assets: dict[str, str], kind: str) -> None:
    url = result if kind == "result" else assets[kind]
    whole, only_head = get(server, url), get(server, url, method="HEAD")
    assert (only_head.status, only_head.body) == (200, b"")
    for name in ("content-length", "content-type"):
        assert only_head.headers[name] == whole.headers[name]


@pytest.mark.parametrize("media", MEDIA)
@pytest.mark.parametrize("key", [{}, {"authorization": "Bearer mock-api-key"}, {"authorization": "Bearer wrong"}])
def test_an_asset_is_what_its_row_says(
    server: ServedWorld, assets: dict[str, str], media: str, key: dict[str, str]
) -> None:
    attributes = rows_of(server, export_project(server, media))[0]["media_attributes"]
    answer = get(server, assets[media], **key)
    assert answer.status == 200
    assert answer.headers["content-type"].split(";")[0] == attributes["mime_type"]
    assert answer.headers["content-length"] == str(len(answer.body))
    if media == "image":
        sizes = int.from_bytes(answer.body[16:20], "big"), int.from_bytes(answer.body[20:24], "big")
        assert sizes == (attributes["width"], attributes["height"])
    else:
        assert STARTS.get(media, b"") in answer.body[:132]
        assert media != "text" or answer.body.decode("utf-8").strip()


# Links that were changed


def change_link(url: str, slug: str) -> dict[str, str]:
    path, _, query = url.partition("?")
    parameters = dict(part.split("=") for part in query.split("&"))
    expires, signature = parameters["Expires"], parameters["Signature"]
    key_name = f"&KeyName={parameters['KeyName']}" if "KeyName" in parameters else ""
    other = "&KeyName=labelbox-assets-key-" + ("" if key_name else "3")
    _, files, workspace, kind, thing, *rest = path.split("/")
    assert (files, workspace) == ("_files", slug)
    escaped = f"%{ord(thing[0]):x}{thing[1:]}"
    return {
        "without a query": path,
        "without a signature": f"{path}?Expires={expires}{key_name}",
        "without an end": f"{path}?Signature={signature}",
        "with an empty signature": f"{path}?Expires={expires}{key_name}&Signature=",
        "with a later end": f"{path}?Expires={int(expires) + 1}{key_name}&Signature={signature}",
        "with an end that is no number": f"{path}?Expires=never{key_name}&Signature={signature}",
        "with an end in other digits": f"{path}?Expires=%D9%A3{key_name}&Signature={signature}",
        "with an endless end": f"{path}?Expires={'9' * 5000}{key_name}&Signature={signature}",
        "with a negative end": f"{path}?Expires=-{expires}{key_name}&Signature={signature}",
        "with another signature": f"{path}?Expires={expires}{key_name}&Signature={'0' * len(signature)}",
        "with a longer signature": f"{path}?Expires={expires}{key_name}&Signature={signature}0",
        "with a signature beyond ASCII": f"{path}?Expires={expires}{key_name}&Signature=%C3%BC%F0%9F%99%82",
        "with another key": f"{path}?Expires={expires}{other}&Signature={signature}",
        "for another thing": f"/_files/{slug}/{kind}/{thing[::-1]}/{'/'.join(rest)}?{query}",
        "for another file": f"{path}x?{query}",
        "with an escape that means the same": f"{path.replace(thing, escaped)}?{query}",
    }  # fmt: skip


def refusal(answer: Answer) -> tuple[int, str]:
    """Status and code: results are refused in the storage's XML, all else in JSON."""
    if answer.headers["content-type"].startswith("application/xml"):
        return answer.status, str(ElementTree.fromstring(answer.body).findtext("Code"))
    return answer.status, answer.json["code"]


CHANGES = list(change_link("/_files/s/results/t/RESULT/0.ndjson?Expires=1&Signature=2", "s"))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", ["result", "image"])
def test_a_changed_link_opens_nothing(
    server: ServedWorld, result: str, assets: dict[str, str], kind: str, change: str
) -> None:
    url = result if kind == "result" else assets[kind]
    answer = get(server, change_link(url, url.split("/")[2])[change])
    assert refusal(answer) == (403, "SignatureDoesNotMatch" if kind == "result" else "ACCESS_DENIED")
    assert b"as the server gave it" in answer.body


def test_a_link_into_another_workspace_says_that_nobody_made_it(server: ServedWorld, result: str) -> None:
    slug = result.split("/")[2]
    assert refusal(get(server, result.replace(slug, slug[::-1]))) == (404, "NoSuchKey")


CLIMBING = (
    "..",
    "%2e%2e",
    "%2E%2E%2f%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "%2fetc%2fpasswd",
    "..;",
    "....//",
    "%00",
    "%c0%ae%c0%ae",
    "~root",
    "C:%5c",
    "%ed%a0%80",
    ".",
)
ROOT = (
    "/etc/passwd",
    "//etc/passwd",
    "/_files/../../etc/passwd",
    "/../../../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/_files//etc/passwd",
)


@pytest.mark.parametrize("climb", CLIMBING)
def test_no_part_of_a_link_leads_out_of_the_results(server: ServedWorld, result: str, climb: str) -> None:
    """Each part in turn; sent without a client, because clients normalize such paths."""
    path, _, query = result.partition("?")
    parts = path.split("/")
    for place in range(1, len(parts) + 1):
        target = "/".join([*parts[:place], climb, *parts[place + 1 :]])
        answer = raw(server, f"GET {target}?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert answer.status in {307, 400, 403, 404}, target
        assert b"root:" not in answer.body


@pytest.mark.parametrize("target", ROOT)
@pytest.mark.parametrize("form", ["{target}", "http://mock{target}", "{target}?Expires=1&Signature=2"])
def test_no_absolute_path_is_a_file(server: ServedWorld, target: str, form: str) -> None:
    answer = raw(server, f"GET {form.format(target=target)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert 300 <= answer.status < 500
    assert b"root:" not in answer.body


@pytest.mark.parametrize("target", [b"/\xff\xfe", b"/_files/\xc3\xbc/results/a/b/c", b"*", b"/%", b"/%zz", b"/\x7f"])
def test_a_target_that_is_no_url_is_a_client_error(server: ServedWorld, target: bytes) -> None:
    assert 400 <= raw(server, b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n").status < 500


# Links that are right, to things that are not there


def sign(server: ServedWorld, path: str) -> str:
    """A link as the default world would sign it, with seven thousand years to live."""
    return server.links.sign(path, 2**57)


@pytest.mark.parametrize(
    "path",
    [
        "results/nobody/RESULT/0.ndjson", "results/{task}/RESULT/1.ndjson", "results/{task}/RESULT/..",
        "results/{task}/ERRORS/0.ndjson", "results/{task}/NONSENSE/0.ndjson", "results/{task}/result/0.ndjson",
        "assets/nobody/a.png", "assets//a.png", "nonsense/a/b",
    ],
)  # fmt: skip
def test_a_signed_link_to_nothing_is_not_found(server: ServedWorld, path: str) -> None:
    answer = get(server, sign(server, path.format(task=export_project(server, "text"))))
    assert refusal(answer) == (404, "NoSuchKey" if path.startswith("results") else "RESOURCE_NOT_FOUND")


def test_a_slash_behind_a_link_opens_nothing(server: ServedWorld, assets: dict[str, str]) -> None:
    assert get(server, assets["image"].replace("?", "/?")).status in {307, 403, 404}


@pytest.mark.known("inferred")
def test_an_empty_result_is_an_empty_file(server: ServedWorld) -> None:
    nobody = {"type": "data_row_id", "operator": "is", "ids": ["nobody"]}
    url = task_of(server, export_project(server, "image", nobody))["result"]
    answer = get(server, url)
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_files_are_only_read(server: ServedWorld, result: str, method: str) -> None:
    assert get(server, result, method=method).status == 405


@given(place=st.integers(0, 10_000), flipped=st.integers(0, 255))
@settings(max_examples=100, deadline=None)
def test_one_other_byte_breaks_a_link(server: ServedWorld, result: str, place: int, flipped: int) -> None:
    """Whichever byte of path or query: it opens nothing, or the same."""
    spot = 1 + place % (len(result) - 1)
    target = result.encode()[:spot] + bytes([flipped]) + result.encode()[spot + 1 :]
    answer = raw(server, b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (
        answer.status >= 300
        or target.decode("latin-1").lower() == result.lower()
        or answer.body == get(server, result).body
    )


def test_links_of_one_moment_are_the_same_bytes_and_later_ones_expire_later(server: ServedWorld) -> None:
    def read_link(change: Mapping[str, object]) -> str:
        requests.post(f"{server.url}/_mock/clock", json=change, timeout=60).raise_for_status()
        return str(rows_of(server, export_project(server, "text"))[0]["data_row"]["row_data"])

    first, second, later = (read_link(change) for change in ({"freeze": True}, {}, {"advance": 1}))
    requests.post(f"{server.url}/_mock/clock", json={"freeze": False}, timeout=60).raise_for_status()
    assert first == second
    ends = [int(re.search(r"Expires=(\d+)&", link)[1]) for link in (first, later)]  # type: ignore[index]  # all have one
    assert ends[1] - ends[0] == 1


# Files in part, attachments, tiles


@pytest.mark.parametrize("media", ["image", "text"])
def test_an_asset_can_be_had_in_pieces(server: ServedWorld, assets: dict[str, str], media: str) -> None:
    whole = get(server, assets[media])
    assert whole.headers["accept-ranges"] == "bytes"
    middle, end = get(server, assets[media], range="bytes=5-9"), get(server, assets[media], range="bytes=-4")
    assert (middle.status, middle.body) == (206, whole.body[5:10])
    assert (end.status, end.body) == (206, whole.body[-4:])
    assert whole.headers["etag"] == middle.headers["etag"] == end.headers["etag"]
    beyond = get(server, assets[media], range="bytes=99999999-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{len(whole.body)}")


FIRST_BYTES = {
    "IMAGE": ("image/png", b"\x89PNG"),
    "IMAGE_OVERLAY": ("image/png", b"\x89PNG"),
    "TEXT_URL": ("text/plain", b""),
    "HTML": ("text/html", b"<"),
    "PDF_URL": ("application/pdf", b"%PDF"),
    "VIDEO": ("video/mp4", b""),
    "AUDIO": ("audio/", b"RIFF"),
}


def test_an_attachment_is_a_file_of_its_kind_under_a_link_of_its_own(server: ServedWorld) -> None:
    """In exports and in GraphQL, and the first row of every project has one of each kind."""
    project = export_project(server, "image", includeAttachments=True)
    row = rows_of(server, project)[0]
    answer_of_graphql = ask(
        server, "query($id: ID!){dataRow(where: {id: $id}){attachments{id type value name}}}", row_id(row)
    )
    listed = answer_of_graphql.data["dataRow"]["attachments"]
    assert list(map(without_signature, listed)) == list(map(without_signature, row["attachments"]))
    values = {item["type"]: item["value"] for item in row["attachments"]}
    assert len(values) == len(row["attachments"]) > 3
    assert not values.pop("RAW_TEXT").startswith("http")
    for kind, url in values.items():
        answer = get(server, url, authorization="Bearer wrong")
        content_type, start = FIRST_BYTES[kind]
        assert answer.status == 200
        assert answer.headers["content-type"].startswith(content_type)
        assert answer.body.startswith(start)
        assert answer.body


def without_signature(attachment: Any) -> tuple[str, str, str]:
    """Its link is signed anew in every answer."""
    return attachment["type"], attachment["name"], attachment["value"].partition("?")[0]


def row_id(row: Any) -> dict[str, str]:
    return {"id": row["data_row"]["id"]}


def test_the_tiles_of_a_map_open_by_the_template_in_its_file(server: ServedWorld) -> None:
    row = rows_of(server, export_project(server, "geospatial"))[0]
    answer = get(server, row["data_row"]["row_data"])
    assert answer.headers["content-type"] == row["media_attributes"]["mime_type"] == "application/json"
    template, bounds, zoom = (answer.json[name] for name in ("tileLayerUrl", "bounds", "minZoom"))
    assert template.startswith(f"{server.url}/_files/")
    x, y = tile_of(bounds, zoom)
    tile = get(server, template.format(z=zoom, x=x, y=y))
    assert (tile.status, tile.headers["content-type"]) == (200, "image/png")
    nowhere = {(zoom, x + 3, y), (zoom + 20, x, y), ("%00", x, y), (zoom, "9" * 5000, y), (-1, x, y), ("", "", "")}
    for z, column, line in nowhere:
        missing = get(server, template.format(z=z, x=column, y=line))
        assert (missing.status, missing.json["code"]) == (404, "RESOURCE_NOT_FOUND")
    assert get(server, template.format(z=zoom, x=x, y=y).replace("Signature=", "Signature=0")).status == 403


def tile_of(bounds: list[list[float]], zoom: int) -> tuple[int, int]:
    """The tile in the middle of the bounds, by the formula of the SDK's `_latlng_to_tile`."""
    [south, west], [north, east] = bounds
    latitude = math.radians((south + north) / 2)
    up = math.asinh(math.tan(latitude)) / math.pi
    return int(((west + east) / 2 + 180) / 360 * 2**zoom), int((1 - up) / 2 * 2**zoom)


@pytest.mark.parametrize(
    "path", ["attachments/nobody/a.png", "attachments/{row}/a.png", "tiles/{row}/0/0/0.png", "assets/{row}/"]
)
def test_a_row_without_tiles_and_an_id_of_something_else_open_nothing(server: ServedWorld, path: str) -> None:
    row = rows_of(server, export_project(server, "text"))[0]["data_row"]["id"]
    target = sign(server, "/".join(path.format(row=row).split("/")[: 2 if "tiles" in path else 9]))
    if "tiles" in path:
        target = target.replace("?", "/0/0/0.png?")
    assert get(server, target).status in {200, 404}
    assert get(server, target).status == 404 or path.startswith("assets")
