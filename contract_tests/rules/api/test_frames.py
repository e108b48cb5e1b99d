"""The frames endpoint (payloads.md §5; seed: export-labels-from-project), over real sockets."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from contract_tests.rules.api.asking import ask, get, open_connection
from contract_tests.rules.api.clips import LONG, SHORT, SKIPPED, serve_clips
from contract_tests.serving import ServedWorld

NDJSON = "application/x-ndjson; charset=utf-8"
FRAMES = 100_000


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServedWorld, list[str]]]:
    with serve_clips(tmp_path_factory.mktemp("clips"), long=FRAMES) as served:
        yield served


@pytest.fixture
def world(clips: tuple[ServedWorld, list[str]]) -> Iterator[ServedWorld]:
    """Each test begins with the switches and the clock as they were."""
    server, _ = clips
    yield server
    server.control.call("POST", "switches", {"frames": "redirect"})


@pytest.fixture
def short(clips: tuple[ServedWorld, list[str]]) -> str:
    return clips[1][SHORT]


@pytest.fixture
def long(clips: tuple[ServedWorld, list[str]]) -> str:
    return clips[1][LONG]


def target_of(world: ServedWorld, label: str) -> str:
    answer = get(world, f"/v1/frames/{label}", authorization=f"Bearer {world.api_key}")
    assert answer.status == 301, answer
    return answer.headers["location"]


@pytest.mark.known("documented")
@pytest.mark.parametrize("path", ["/v1/frames", "/api/v1/frames"])
@pytest.mark.parametrize("header", ["Bearer {}", "{}", "bearer {}"])
def test_the_endpoint_sends_a_key_on_to_a_signed_link_of_the_same_host(
    world: ServedWorld, short: str, path: str, header: str
) -> None:
    answer = get(world, f"{path}/{short}", authorization=header.format(world.api_key))
    assert (answer.status, answer.body) == (301, b"")
    assert answer.headers["location"].startswith(f"{world.url}/_files/")


@pytest.mark.known("documented")
@pytest.mark.parametrize("key", [{}, {"authorization": "Bearer mock-api-key"}, {"authorization": "Bearer wrong"}])
def test_the_target_needs_no_key_and_does_not_mind_one(world: ServedWorld, short: str, key: dict[str, str]) -> None:
    answer = get(world, target_of(world, short), **key)
    assert (answer.status, answer.headers["content-type"]) == (200, NDJSON)
    lines = [json.loads(line) for line in answer.body.decode("ascii").splitlines()]
    assert [line["frameNumber"] for line in lines] == list(range(1, 11))
    assert [line["objects"][0]["keyframe"] for line in lines] == [at in {1, 5, 9, 10} for at in range(1, 11)]


@pytest.mark.known("documented")
def test_a_skipped_label_without_data_is_204(world: ServedWorld, clips: tuple[ServedWorld, list[str]]) -> None:
    answer = get(world, f"/v1/frames/{clips[1][SKIPPED]}", authorization=f"Bearer {world.api_key}")
    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.known("client")
@pytest.mark.parametrize(
    "key", [{}, {"authorization": ""}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer"}]
)
def test_no_key_or_a_wrong_one_is_401(world: ServedWorld, short: str, key: dict[str, str]) -> None:
    for label in (short, "nothing"):  # whether a label exists is nobody's business without a key
        answer = get(world, f"/v1/frames/{label}", **key)
        assert (answer.status, answer.json["code"]) == (401, "AUTHENTICATION_ERROR")
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.known("inferred")
def test_a_label_that_is_not_there_or_has_no_frames_is_404(world: ServedWorld) -> None:
    answer_of_graphql = ask(
        world,
        "query($id: ID!){project(where: {id: $id}){labels(orderBy: createdAt_ASC){id}}}",
        {"id": world.projects["image"]},
    )
    of_a_picture = answer_of_graphql.data["project"]["labels"][-1]["id"]
    for label, said in [
        ("nothing", "does not exist"),
        (of_a_picture, 'only "video", "dicom" have frames'),
        ("%F0%9F%99%82", "🙂"),
    ]:
        answer = get(world, f"/v1/frames/{label}", authorization=f"Bearer {world.api_key}")
        assert (answer.status, answer.json["code"]) == (404, "RESOURCE_NOT_FOUND")
        assert said in answer.json["message"]


@pytest.mark.known("inferred")
def test_a_label_of_another_workspace_is_403(world: ServedWorld, short: str) -> None:
    other = world.workspace(scenario="default", seed=7)
    answer = get(world, f"/v1/frames/{short}", authorization=f"Bearer {other.api_key}")
    assert (answer.status, answer.json["code"]) == (403, "AUTHORIZATION_ERROR")


@pytest.mark.known("inferred")
def test_a_deleted_label_is_410_at_the_endpoint_and_behind_its_links(tmp_path: Path) -> None:
    with serve_clips(tmp_path, long=10) as (server, labels):
        target = target_of(server, labels[SHORT])
        ask(server, "mutation($ids: [ID!]!){deleteLabels(labelIds: $ids){id}}", {"ids": [labels[SHORT]]})
        for answer in (
            get(server, f"/v1/frames/{labels[SHORT]}", authorization=f"Bearer {server.api_key}"),
            get(server, target),
        ):
            assert (answer.status, answer.json["code"]) == (410, "RESOURCE_GONE")


def test_a_link_is_refused_when_it_was_changed_and_when_it_has_expired(
    world: ServedWorld, short: str, long: str
) -> None:
    target = target_of(world, short)
    for changed in (target.replace(short, long), target[:-1], target.split("?")[0]):
        assert get(world, changed).status == 403
    world.own.clock.advance(days=13)
    try:
        assert get(world, target).status == 200
        world.own.clock.advance(days=2)
        assert get(world, target).status == 403
    finally:
        world.control.call("POST", "clock", {"set": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())})


def test_a_switch_answers_directly_without_a_redirect(world: ServedWorld, short: str) -> None:
    body = get(world, target_of(world, short)).body
    world.control.call("POST", "switches", {"frames": "direct"})
    answer = get(world, f"/v1/frames/{short}", authorization=f"Bearer {world.api_key}")
    assert (answer.status, answer.body) == (200, body)
    assert get(world, f"/v1/frames/{short}").status == 401


def test_a_switch_sends_clients_to_another_host_name(world: ServedWorld, short: str) -> None:
    world.control.call("POST", "switches", {"frames": "redirect_elsewhere"})
    location = target_of(world, short)
    first, second = urlsplit(world.url), urlsplit(location)
    assert (first.hostname, second.hostname, first.port) == ("127.0.0.1", "localhost", second.port)
    back = get(world, f"/v1/frames/{short}", authorization=f"Bearer {world.api_key}", host=f"localhost:{first.port}")
    assert urlsplit(back.headers["location"]).hostname == "127.0.0.1"
    lost = get(world, f"/v1/frames/{short}", authorization=f"Bearer {world.api_key}", host="[::1]:80")
    assert (lost.status, lost.json["code"]) == (409, "RESOURCE_CONFLICT")
    assert "'::1' has no other name" in lost.json["message"]


@pytest.mark.parametrize("which", ["short", "long"])
def test_head_says_what_get_says_without_a_body(world: ServedWorld, short: str, long: str, which: str) -> None:
    target = target_of(world, short if which == "short" else long)
    head, whole = get(world, target, method="HEAD"), get(world, target)
    assert (head.status, head.body) == (200, b"")
    ours = {"content-type", "content-length", "etag", "accept-ranges"}
    assert {name: value for name, value in head.headers.items() if name in ours} == {
        name: value for name, value in whole.headers.items() if name in ours
    }
    endpoint = get(world, f"/v1/frames/{short}", method="HEAD", authorization=f"Bearer {world.api_key}")
    assert endpoint.status == 301


@pytest.mark.parametrize("which", ["short", "long"])
def test_a_range_is_that_part_of_the_body(world: ServedWorld, short: str, long: str, which: str) -> None:
    target = target_of(world, short if which == "short" else long)
    whole = get(world, target)
    size, tag = len(whole.body), whole.headers["etag"]
    for wanted, part in [
        ("bytes=0-99", whole.body[:100]),
        (f"bytes={size // 2}-{size // 2 + 9}", whole.body[size // 2 : size // 2 + 10]),
        (f"bytes={size - 5}-", whole.body[-5:]),
        ("bytes=-7", whole.body[-7:]),
        (f"bytes=3-{size * 2}", whole.body[3:]),
    ]:
        answer = get(world, target, range=wanted)
        start = size - len(part) if wanted in {"bytes=-7", f"bytes={size - 5}-"} else int(wanted[6:].split("-")[0])
        assert (answer.status, answer.body) == (206, part)
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(part) - 1}/{size}"
    beyond = get(world, target, range=f"bytes={size}-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    for unread in ("bytes=9-3", "bytes=0-1,4-5", "lines=0-1", "bytes=-", "bytes=x"):
        assert get(world, target, range=unread).body == whole.body
    assert get(world, target, **{"range": "bytes=0-9", "if-range": '"another"'}).status == 200
    assert get(world, target, **{"range": "bytes=0-9", "if-range": tag}).status == 206


@pytest.mark.parametrize("which", ["short", "long"])
def test_frames_that_a_client_has_are_not_sent_again(world: ServedWorld, short: str, long: str, which: str) -> None:
    target = target_of(world, short if which == "short" else long)
    tag = get(world, target, method="HEAD").headers["etag"]
    same = get(world, target, **{"if-none-match": tag})
    assert (same.status, same.body, same.headers["etag"]) == (304, b"", tag)
    assert get(world, target, **{"if-none-match": '"another"'}).status == 200


def test_a_clip_of_a_hundred_thousand_frames_is_streamed(world: ServedWorld, long: str) -> None:
    target = target_of(world, long)
    get(world, target)  # what a first answer loads once is not what is measured
    before = memory_of(world)
    with open_connection(world) as connection:
        connection.request("GET", target.removeprefix(world.url))
        response = connection.getresponse()
        lines = most = 0
        while piece := response.read(1_000_000):
            lines += piece.count(b"\n")
            most = max(most, memory_of(world))
    assert lines == FRAMES
    assert most - before < 10_000_000, "the body has some 26 MB, of which only pieces are held"


def memory_of(world: ServedWorld) -> int:
    """Resident bytes of the server."""
    return int(Path(f"/proc/{world.ready['pid']}/statm").read_text().split()[1]) * 4096
