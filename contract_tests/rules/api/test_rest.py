"""REST under /api/v1: with the key, errors as JSON with `message`."""

import zlib

import pytest

from contract_tests.rules.api.asking import Answer, exported, get, rows_of, task_of
from contract_tests.serving import ServedWorld


def with_key(server: ServedWorld, target: str) -> Answer:
    return get(server, target, authorization=f"Bearer {server.api_key}")


@pytest.fixture(scope="module")
def task_id(server: ServedWorld) -> str:
    return exported(server, "image")


@pytest.fixture(scope="module")
def masks(server: ServedWorld, task_id: str) -> list[tuple[str, list[list[int]]]]:
    """(path of a label's composite mask, the colours its objects have in it)."""
    found: dict[str, list[list[int]]] = {}
    for row in rows_of(server, task_id):
        for project in row["projects"].values():
            for label in project["labels"]:
                for thing in label["annotations"]["objects"]:
                    if mask := thing.get("composite_mask"):
                        found.setdefault(mask["url"].removeprefix(server.url), []).append(mask["color_rgb"])
    return list(found.items())


# Results


@pytest.mark.known("client")
def test_the_link_that_sdks_build_holds_the_whole_result(server: ServedWorld, task_id: str) -> None:
    answer = with_key(server, f"/api/v1/export-results/{task_id}/{server.organization_id}")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-ndjson; charset=utf-8")
    assert answer.body == get(server, task_of(server, task_id)["result"]).body


@pytest.mark.known("inferred")
def test_without_errors_their_link_is_an_empty_file(server: ServedWorld, task_id: str) -> None:
    answer = with_key(server, f"/api/v1/export-errors/{task_id}/{server.organization_id}")
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("kind", ["export-results", "export-errors"])
def test_another_organization_or_task_is_not_found(server: ServedWorld, task_id: str, kind: str) -> None:
    for path in (
        f"{task_id}/c{'0' * 24}",
        f"nobody/{server.organization_id}",
        f"..%2f{task_id}/{server.organization_id}",
    ):
        answer = with_key(server, f"/api/v1/{kind}/{path}")
        assert (answer.status, answer.json["code"]) == (404, "RESOURCE_NOT_FOUND")
        assert answer.json["message"]


@pytest.mark.known("client")
@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}])
def test_without_the_key_there_is_nothing_under_rest(
    server: ServedWorld, task_id: str, masks: list[tuple[str, list[list[int]]]], header: dict[str, str]
) -> None:
    for target in (f"/api/v1/export-results/{task_id}/{server.organization_id}", masks[0][0]):
        answer = get(server, target, **header)
        assert (answer.status, answer.json["code"]) == (401, "AUTHENTICATION_ERROR")
        assert answer.headers["www-authenticate"] == "Bearer"


# Masks


def test_every_colour_of_an_export_is_in_its_mask_and_no_other(
    server: ServedWorld, masks: list[tuple[str, list[list[int]]]]
) -> None:
    assert len(masks) > 3
    for target, colours in masks:
        answer = with_key(server, target)
        assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
        assert pixels(answer.body) == {(0, 0, 0), *map(tuple, colours)}


def pixels(png: bytes) -> set[tuple[int, ...]]:
    """The colours of a PNG of ours: 8 bits, filter 0, true colour or palette."""
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
    attributes = [row["media_attributes"] for row in rows_of(server, exported(server, "image"))]
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


# Masks of frames


@pytest.fixture(scope="module", params=["video", "dicom"])
def frame_masks(server: ServedWorld, request: pytest.FixtureRequest) -> list[tuple[str, list[list[int]]]]:
    """(path of a frame's composite mask, the colours its objects have in it), of all frames of all labels."""
    found: dict[str, list[list[int]]] = {}
    rows = rows_of(server, exported(server, request.param, includeInterpolatedFrames=True))
    for row in rows:
        for label in [label for project in row["projects"].values() for label in project["labels"]]:
            told = label["annotations"]
            for group in told["groups"].values() if "groups" in told else [told]:
                for frame in group["frames"].values():
                    for thing in frame["objects"].values():
                        if mask := thing.get("composite_mask"):
                            found.setdefault(mask["url"].removeprefix(server.url), []).append(mask["color_rgb"])
    return list(found.items())


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
