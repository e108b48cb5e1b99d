"""Masks by every form of their URL: the picture of all objects of a label, and of one object alone."""

import datetime
import struct
import zlib
from typing import Any

import pytest

from contract_tests.rules.api.asking import Answer, ask, export_project, get, rows_of
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for
from mockserver.links import DAY

GEOMETRIES = ("composite_mask", "bounding_box", "polygon", "line", "point")


def with_key(server: ServedWorld, target: str, **headers: str) -> Answer:
    return get(server, target, authorization=f"Bearer {server.api_key}", **headers)


@pytest.fixture(scope="module")
def rows(server: ServedWorld) -> list[Any]:
    """The image project, exported."""
    return rows_of(server, export_project(server, "image"))


@pytest.fixture(scope="module")
def masks(server: ServedWorld, rows: list[Any]) -> list[tuple[str, list[list[int]]]]:
    """(path of a label's composite mask, the colours its objects have in it)."""
    colours: dict[str, list[list[int]]] = {}
    for thing, _ in things(rows):
        if mask := thing.get("composite_mask"):
            colours.setdefault(mask["url"].removeprefix(server.url), []).append(mask["color_rgb"])
    return list(colours.items())


def things(rows: list[Any]) -> list[tuple[Any, Any]]:
    """(object, row) of a whole export."""
    return [
        (thing, row)
        for row in rows
        for project in row["projects"].values()
        for label in project["labels"]
        for thing in label["annotations"]["objects"]
    ]


def find_each_geometry(rows: list[Any]) -> dict[str, tuple[Any, Any]]:
    return {kind: next(pair for pair in things(rows) if kind in pair[0]) for kind in GEOMETRIES}


# All objects of a label


def test_every_colour_of_an_export_is_in_its_mask_and_no_other(
    server: ServedWorld, masks: list[tuple[str, list[list[int]]]]
) -> None:
    assert len(masks) > 3
    for target, colours in masks:
        answer = with_key(server, target)
        assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
        assert pixels(answer.body) == {(0, 0, 0), *map(tuple, colours)}


def pixels(png: bytes) -> set[tuple[int, ...]]:
    """The colours of a PNG of this server: 8 bits, filter 0, true colour or palette."""
    chunks: dict[bytes, bytes] = {}
    position = 8
    while position < len(png):
        length = int.from_bytes(png[position : position + 4], "big")
        kind, body = png[position + 4 : position + 8], png[position + 8 : position + 8 + length]
        chunks[kind] = chunks.get(kind, b"") + body
        position += 12 + length
    width, true_colour = int.from_bytes(chunks[b"IHDR"][:4], "big"), chunks[b"IHDR"][9] == 2
    raw, stride = zlib.decompress(chunks[b"IDAT"]), 1 + width * (3 if true_colour else 1)
    body = b"".join(raw[start + 1 : start + stride] for start in range(0, len(raw), stride))
    if true_colour:
        return set(zip(body[::3], body[1::3], body[2::3], strict=True))
    palette = chunks[b"PLTE"]
    return {tuple(palette[3 * index : 3 * index + 3]) for index in set(body)}


def test_a_mask_has_the_size_of_its_picture(server: ServedWorld, masks: list[tuple[str, list[list[int]]]]) -> None:
    attributes = [row["media_attributes"] for row in rows_of(server, export_project(server, "image"))]
    sizes = {(each["width"], each["height"]) for each in attributes}
    for target, _ in masks:
        body = with_key(server, target).body
        assert (int.from_bytes(body[16:20], "big"), int.from_bytes(body[20:24], "big")) in sizes


@pytest.mark.known("inferred")
@pytest.mark.parametrize(
    "change", ["/index/2", "/index/0", "/index/99999999999999999999", "/index/-1", "/index/one", "/index/"]
)
def test_pictures_have_the_index_1_only(
    server: ServedWorld, masks: list[tuple[str, list[list[int]]]], change: str
) -> None:
    assert with_key(server, masks[0][0].replace("/index/1", change)).status == 404


def test_a_mask_of_nobody_is_not_found(server: ServedWorld, masks: list[tuple[str, list[list[int]]]]) -> None:
    target = masks[0][0]
    _, _, _, _, task, _, mask, _, _ = target.split("/")
    others = ["nobody", f"{mask[:-1]}z", f"c{'0' * 24}", "%00", "%f0%9f%99%82"]
    for wrong in [target.replace(task, "nobody"), *(target.replace(mask, other) for other in others)]:
        answer = with_key(server, wrong)
        assert (answer.status, answer.json["code"]) == (404, "RESOURCE_NOT_FOUND")


@pytest.mark.known("client")
@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}])
def test_without_the_key_no_mask_of_the_newer_forms_is_shown(
    server: ServedWorld, rows: list[Any], masks: list[tuple[str, list[list[int]]]], header: dict[str, str]
) -> None:
    feature = things(rows)[0][0]["feature_id"]
    for target in (
        masks[0][0],
        format_path_in_project(server, feature),
        format_path_in_project(server, feature, "/index/1"),
    ):
        answer = get(server, target, **header)
        assert (answer.status, answer.json["code"]) == (401, "AUTHENTICATION_ERROR")
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.known("documented")
def test_a_composite_mask_is_there_for_30_days() -> None:
    with ServedWorld() as world:
        target = next(
            thing["composite_mask"]["url"]
            for thing, _ in things(rows_of(world, export_project(world, "image")))
            if "composite_mask" in thing
        )
        assert with_key(world, target).status == 200
        world.control.call("POST", "clock", {"advance": 29 * 86_400})
        assert with_key(world, target).status == 200
        world.control.call("POST", "clock", {"advance": 2 * 86_400})
        late = with_key(world, target)
        assert (late.status, late.json["code"]) == (404, "RESOURCE_NOT_FOUND")
        assert "export again" in late.json["message"]


# Masks of frames


@pytest.fixture(scope="module", params=["video", "dicom"])
def frame_masks(server: ServedWorld, request: pytest.FixtureRequest) -> list[tuple[str, list[list[int]]]]:
    """(path of a frame's composite mask, the colours its objects have in it), of all frames of all labels."""
    colours: dict[str, list[list[int]]] = {}
    rows = rows_of(server, export_project(server, request.param, includeInterpolatedFrames=True))
    for row in rows:
        for label in [label for project in row["projects"].values() for label in project["labels"]]:
            annotations = label["annotations"]
            for group in annotations["groups"].values() if "groups" in annotations else [annotations]:
                for frame in group["frames"].values():
                    for thing in frame["objects"].values():
                        if mask := thing.get("composite_mask"):
                            colours.setdefault(mask["url"].removeprefix(server.url), []).append(mask["color_rgb"])
    return list(colours.items())


@pytest.mark.known("sample")
def test_every_frame_with_masks_has_a_picture_of_their_colours(
    server: ServedWorld, frame_masks: list[tuple[str, list[list[int]]]]
) -> None:
    """One may lie over another, so not every colour need be seen; but some are, and no other is."""
    assert len(frame_masks) > 20
    for target, colours in frame_masks[::5]:
        answer = with_key(server, target)
        assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
        seen = pixels(answer.body) - {(0, 0, 0)}
        assert seen
        assert seen <= set(map(tuple, colours))


@pytest.mark.known("inferred")
@pytest.mark.parametrize("index", [0, 100000, 99999999999999999999])
def test_a_frame_without_masks_has_no_picture(
    server: ServedWorld, frame_masks: list[tuple[str, list[list[int]]]], index: int
) -> None:
    target = frame_masks[0][0].rpartition("/")[0]
    assert with_key(server, f"{target}/{index}").status == 404


@pytest.mark.known("inferred")
def test_each_plane_of_a_volume_has_pictures_of_its_own_size(server: ServedWorld) -> None:
    """The composite mask, each form of one object's mask, and that of Export V1 are as wide and high as the plane."""
    seen: dict[str, set[tuple[int, int]]] = {}
    for plane, thing, frame, row in list_planes(server):
        attributes, feature = row["media_attributes"], f"/index/{frame}"
        target = format_path_in_project(server, thing["feature_id"], feature, project="dicom")
        of_token = f"{format_path_with_token(server, thing['feature_id'])}&frame={frame}"
        drawn = [with_key(server, target), get(server, of_token)]
        if "composite_mask" in thing:
            drawn.append(with_key(server, thing["composite_mask"]["url"].removeprefix(server.url)))
        assert [answer.status for answer in drawn] == [200] * len(drawn)
        [size] = {dimensions(answer.body)[:2] for answer in drawn}
        assert all(len(set(picture_of(answer.body))) > 1 for answer in drawn)
        across = attributes["height"] if plane == "Sagittal" else attributes["width"]
        assert size[0] == across
        assert (size[1] == attributes["height"]) == (plane == "Axial")
        seen.setdefault(plane, set()).add(size)
    assert set(seen) == {"Axial", "Sagittal", "Coronal"}


def list_planes(server: ServedWorld) -> list[tuple[str, Any, int, Any]]:
    """(plane, object, frame, row) of every key frame of the volumes."""
    return [
        (plane, thing, int(number), row)
        for row in rows_of(server, export_project(server, "dicom"))
        for project in row["projects"].values()
        for label in project["labels"]
        for plane, group in label["annotations"]["groups"].items()
        for number, frame in group["frames"].items()
        for thing in frame["objects"].values()
    ]


def picture_of(png: bytes) -> bytes:
    """The bytes of its pixels, each row behind its filter."""
    at = png.index(b"IDAT")
    return zlib.decompress(png[at + 4 : at + 4 + int.from_bytes(png[at - 4 : at], "big")])


# One object alone


def format_path_in_project(server: ServedWorld, feature: str, index: str = "", *, project: str = "image") -> str:
    return f"/api/v1/projects/{server.projects[project]}/annotations/{feature}{index}/mask"


def format_path_with_token(server: ServedWorld, feature: str, *, now: int | None = None) -> str:
    links = server.links
    moment = clock(server) if now is None else now
    return f"/masks/feature/{feature}?token={links.mask_token('user', server.organization_id, now=moment)}"


def clock(server: ServedWorld) -> int:
    said = server.control.call("GET", "clock")["now"]
    return int(datetime.datetime.fromisoformat(said).timestamp()) * 1_000_000


def dimensions(png: bytes) -> tuple[int, int, int]:
    """(width, height, channels)."""
    width, height, _, colour_type = struct.unpack(">IIBB", png[16:26])
    return width, height, {0: 1, 2: 3, 6: 4}[colour_type]


@pytest.mark.known("client")
@pytest.mark.parametrize("kind", GEOMETRIES)
def test_behind_an_index_a_mask_has_two_dimensions_and_otherwise_colours(
    server: ServedWorld, rows: list[Any], kind: str
) -> None:
    thing, row = find_each_geometry(rows)[kind]
    size = (row["media_attributes"]["width"], row["media_attributes"]["height"])
    flat = with_key(server, format_path_in_project(server, thing["feature_id"], "/index/1"))
    coloured = with_key(server, format_path_in_project(server, thing["feature_id"]))
    assert (flat.status, coloured.status) == (200, 200)
    assert dimensions(flat.body) == (*size, 1)
    assert dimensions(coloured.body) == (*size, 3)
    assert pixels(coloured.body) == {(0, 0, 0), (255, 255, 255)}


@pytest.mark.known("sample")
@pytest.mark.parametrize("kind", GEOMETRIES)
def test_a_token_opens_the_picture_of_any_object_without_a_key(server: ServedWorld, rows: list[Any], kind: str) -> None:
    feature = find_each_geometry(rows)[kind][0]["feature_id"]
    answer = get(server, format_path_with_token(server, feature))
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    assert answer.body == with_key(server, format_path_in_project(server, feature)).body


def test_the_picture_of_a_box_covers_the_box_and_nothing_else(server: ServedWorld, rows: list[Any]) -> None:
    thing, _ = find_each_geometry(rows)["bounding_box"]
    box = thing["bounding_box"]
    body = with_key(server, format_path_in_project(server, thing["feature_id"], "/index/1")).body
    lit = [(x, y) for y, line in enumerate(lines(body)) for x, value in enumerate(line) if value]
    assert min(x for x, _ in lit) == pytest.approx(box["left"], abs=1)
    assert max(x for x, _ in lit) + 1 == pytest.approx(box["left"] + box["width"], abs=1)
    assert min(y for _, y in lit) == pytest.approx(box["top"], abs=1)
    assert max(y for _, y in lit) + 1 == pytest.approx(box["top"] + box["height"], abs=1)


def lines(png: bytes) -> list[bytes]:
    """The rows of a grey PNG of this server."""
    raw, width = decompress(png), dimensions(png)[0]
    return [raw[start + 1 : start + 1 + width] for start in range(0, len(raw), 1 + width)]


def decompress(png: bytes) -> bytes:
    start = png.index(b"IDAT")
    return zlib.decompress(png[start + 4 : start + 4 + int.from_bytes(png[start - 4 : start], "big")])


@pytest.mark.known("sample")
def test_a_token_opens_for_30_days(server: ServedWorld, rows: list[Any]) -> None:
    feature, now = things(rows)[0][0]["feature_id"], clock(server)
    assert get(server, format_path_with_token(server, feature, now=now - 29 * DAY)).status == 200
    late = get(server, format_path_with_token(server, feature, now=now - 31 * DAY))
    assert (late.status, late.json["code"]) == (403, "ACCESS_DENIED")


@pytest.mark.parametrize("token", ["", "x", "..", "a.b.c", "%00", "%f0%9f%99%82", "e30.e30.e30", "null"])
def test_a_token_that_nobody_made_opens_nothing_whatever_the_key(
    server: ServedWorld, rows: list[Any], masks: list[tuple[str, list[list[int]]]], token: str
) -> None:
    feature = things(rows)[0][0]["feature_id"]
    for target in (f"/masks/feature/{feature}", format_path_in_project(server, feature), masks[0][0]):
        for header in ({}, {"authorization": f"Bearer {server.api_key}"}):
            answer = get(server, f"{target}?token={token}", **header)
            assert (answer.status, answer.json["code"]) == (403, "ACCESS_DENIED")


@pytest.mark.known("client")
@pytest.mark.parametrize("kind", GEOMETRIES)
def test_the_key_opens_what_a_token_opens(server: ServedWorld, rows: list[Any], kind: str) -> None:
    """A client of 2020-06 sent the key and no token."""
    feature = find_each_geometry(rows)[kind][0]["feature_id"]
    by_key = get(server, f"/masks/feature/{feature}", authorization=f"Bearer {server.api_key}")
    assert (by_key.status, by_key.body) == (200, get(server, format_path_with_token(server, feature)).body)
    both = get(server, format_path_with_token(server, feature), authorization=server.api_key)
    assert (both.status, both.body) == (200, by_key.body)


@pytest.mark.known("client")
def test_a_token_opens_every_form_of_the_url(
    server: ServedWorld, rows: list[Any], masks: list[tuple[str, list[list[int]]]]
) -> None:
    feature = things(rows)[0][0]["feature_id"]
    token = format_path_with_token(server, feature).partition("?")[2]
    for target in (
        format_path_in_project(server, feature),
        format_path_in_project(server, feature, "/index/1"),
        masks[0][0],
    ):
        assert get(server, f"{target}?{token}").body == with_key(server, target).body


@pytest.mark.parametrize("key", ["wrong", ""])
def test_a_wrong_key_opens_nothing_whatever_the_token(server: ServedWorld, rows: list[Any], key: str) -> None:
    feature = things(rows)[0][0]["feature_id"]
    answer = get(server, format_path_with_token(server, feature), authorization=f"Bearer {key}")
    assert (answer.status, answer.json["code"]) == (401, "AUTHENTICATION_ERROR")
    assert get(server, f"/masks/feature/{feature}").status == 401


def test_the_key_of_another_workspace_and_a_token_open_nothing(server: ServedWorld, rows: list[Any]) -> None:
    feature, other = things(rows)[0][0]["feature_id"], server.workspace(scenario="default")
    answer = get(server, format_path_with_token(server, feature), authorization=f"Bearer {other.api_key}")
    assert (answer.status, answer.json["code"]) == (403, "ACCESS_DENIED")
    assert "another workspace" in answer.json["message"]


@pytest.mark.parametrize("feature", ["nobody", f"c{'0' * 24}", "%00", "%f0%9f%99%82", "..%2f.."])
def test_an_annotation_of_nobody_is_not_found(server: ServedWorld, rows: list[Any], feature: str) -> None:
    for target in (
        format_path_in_project(server, feature),
        format_path_in_project(server, feature, "/index/1"),
        format_path_with_token(server, feature),
    ):
        answer = with_key(server, target)
        assert (answer.status, answer.json["code"]) == (404, "RESOURCE_NOT_FOUND")


def test_an_annotation_is_only_found_in_its_project(server: ServedWorld, rows: list[Any]) -> None:
    target = format_path_in_project(server, things(rows)[0][0]["feature_id"])
    other = target.replace(server.projects["image"], server.projects["text"])
    assert with_key(server, other).status == 404


@pytest.mark.parametrize("index", ["/index/0", "/index/2", "/index/-1", "/index/one", f"/index/{'9' * 5000}"])
def test_an_object_of_a_picture_has_the_index_1_only(server: ServedWorld, rows: list[Any], index: str) -> None:
    assert with_key(server, format_path_in_project(server, things(rows)[0][0]["feature_id"], index)).status == 404


def test_answers_and_places_on_a_globe_have_no_picture(server: ServedWorld, rows: list[Any]) -> None:
    place = things(rows_of(server, export_project(server, "geospatial")))[0][0]["feature_id"]
    answered = next(
        answer["feature_id"]
        for row in rows
        for project in row["projects"].values()
        for label in project["labels"]
        for answer in label["annotations"]["classifications"]
    )
    for feature in (place, answered):
        answer = get(server, format_path_with_token(server, feature))
        assert (answer.status, answer.json["code"]) == (404, "RESOURCE_NOT_FOUND")
        assert "nothing to draw" in answer.json["message"]


# What Export V1 gives out


EXPORT = "mutation($id: ID!){exportLabels(data: {projectId: $id}){downloadUrl}}"


@pytest.mark.known("sample")
@pytest.mark.parametrize("ends", [None, "2019-12-20T00:00:00Z", "2020-01-20T00:00:00Z"])
def test_every_mask_that_an_export_v1_names_opens(ends: str | None) -> None:
    """Labels of 2019, of both years, and of today, in the pictures, documents and texts of the default world."""
    forms = set()
    with ServedWorld(*([] if ends is None else ["--ends", ends])) as world:
        for project in ("image", "document", "text"):
            for element in legacy_labels(world, project):
                for uri in addresses(element["Label"])[:3]:
                    answer = get(world, uri)
                    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
                    forms.add("old" if "/masks/feature/" not in uri else "young")
                    assert ("/masks/feature/" in uri) == (element["Created At"] >= "2020")
    assert forms == {None: {"young"}, "2019-12-20T00:00:00Z": {"old"}}.get(ends, {"old", "young"})


def legacy_labels(server: ServedWorld, project: str) -> list[Any]:
    """Requests an Export V1 until it is finished, and returns its labels."""
    url = wait_for(lambda: ask(server, EXPORT, {"id": server.projects[project]}).data["exportLabels"]["downloadUrl"])
    labels: list[Any] = get(server, url).json
    return labels


def addresses(label: Any) -> list[str]:
    """The mask URLs of a label: of its objects, and of relationships of texts."""
    parts = [*label.get("objects", []), *label.get("relationships", [])]
    return [part["instanceURI"] for part in parts if "instanceURI" in part]


@pytest.mark.known("sample")
def test_the_older_url_is_only_good_as_it_was_given() -> None:
    with ServedWorld("--ends", "2019-12-20T00:00:00Z") as world:
        labels = [element["Label"] for element in legacy_labels(world, "image") if element["Label"]]
        first, second = (addresses(label)[0] for label in labels[:2])
        _, _, project, person, row, index = first.removeprefix(world.url).partition("?")[0].split("/")
        assert (project, index) == (world.projects["image"], "0")
        for part, other in ((project, world.projects["text"]), (person, "nobody"), (row, second.split("/")[-2])):
            answer = get(world, first.replace(part, other))
            assert (answer.status, answer.json["code"]) == (404, "RESOURCE_NOT_FOUND")
        assert get(world, first.replace("/0?", "/1?")).status == 404
        assert get(world, first.partition("&token")[0], authorization=f"Bearer {world.api_key}").status == 200
        assert get(world, first.partition("&token")[0]).status == 401
        assert get(world, f"{first}x").status == 403


def test_a_mask_can_be_had_in_pieces(server: ServedWorld, masks: list[tuple[str, list[list[int]]]]) -> None:
    whole = with_key(server, masks[0][0])
    part = with_key(server, masks[0][0], range="bytes=8-15")
    assert (part.status, part.body) == (206, whole.body[8:16])
    assert part.headers["etag"] == whole.headers["etag"]
    head = get(server, masks[0][0], method="HEAD", authorization=f"Bearer {server.api_key}")
    assert (head.status, head.headers["content-length"]) == (200, str(len(whole.body)))
