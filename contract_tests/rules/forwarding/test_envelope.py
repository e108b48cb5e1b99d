"""The form in which requests and answers travel between replicas."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.forwarding.envelope import (
    Frame,
    FrameReader,
    Kind,
    find_head_end,
    pack_frame,
    pack_head,
    pack_start,
    unpack_head,
    unpack_start,
)
from mockserver.workspaces.naming import WorkspaceName

PAIRS = st.lists(st.tuples(st.binary(), st.binary()))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
ADDRESSES = st.none() | st.tuples(TEXTS, st.none() | st.integers(0, 65535))
SCOPES = st.fixed_dictionaries(
    {
        "method": TEXTS,
        "scheme": st.sampled_from(["http", "https"]),
        "path": TEXTS,
        "raw_path": st.binary(),
        "query_string": st.binary(),
        "http_version": st.sampled_from(["1.0", "1.1"]),
        "headers": PAIRS,
        "client": ADDRESSES,
        "server": ADDRESSES,
    }
)
NAMES = st.builds(WorkspaceName, st.sampled_from(["key", "slug", "token"]), TEXTS, st.booleans())
FRAMES = st.lists(
    st.tuples(st.sampled_from([Kind.START, Kind.BODY, Kind.LAST, Kind.WRITE]), st.binary(max_size=40))
    | st.tuples(st.sampled_from([Kind.CLOSE, Kind.RESET]), st.just(b""))
)


@given(SCOPES, NAMES, st.integers(1, 2**40), st.binary())
def test_a_head_is_unpacked_as_it_was_packed(
    scope: dict[str, Any], name: WorkspaceName, number: int, body: bytes
) -> None:
    packed = pack_head(scope, name, number)
    end = find_head_end(packed + body)
    assert end == len(packed)
    assert unpack_head(packed) == (scope, name, number)


@given(st.integers(100, 599), PAIRS)
def test_a_start_is_unpacked_as_it_was_packed(status: int, headers: list[tuple[bytes, bytes]]) -> None:
    [frame] = FrameReader().feed(pack_start(status, headers))
    assert frame.kind == Kind.START
    assert unpack_start(frame.payload) == (status, headers)


@given(FRAMES, st.data())
def test_frames_are_the_same_however_they_are_cut(frames: list[tuple[Kind, bytes]], data: st.DataObject) -> None:
    stream = b"".join(pack_frame(kind, payload) for kind, payload in frames)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)))))
    reader = FrameReader()
    received = [
        frame
        for first, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for frame in reader.feed(stream[first:end])
    ]
    assert join(received) == join([Frame(kind, payload) for kind, payload in frames])
    assert [frame.payload for frame in received if frame.kind == Kind.START] == [
        payload for kind, payload in frames if kind == Kind.START
    ]


def join(frames: list[Frame]) -> list[tuple[Kind, bytes]]:
    """The frames, with the parts of one payload together."""
    joined: list[tuple[Kind, bytes]] = []
    for kind, payload in frames:
        last_kind, last_payload = joined[-1] if joined else (None, b"")
        if (last_kind, kind) in ((Kind.BODY, Kind.BODY), (Kind.BODY, Kind.LAST), (Kind.WRITE, Kind.WRITE)):
            joined[-1] = (kind, last_payload + payload)
        else:
            joined.append((kind, payload))
    return joined


def test_an_unknown_kind_of_frame_is_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("99 is not a valid Kind")):
        list(FrameReader().feed(b"\x63\x00\x00\x00\x00"))
