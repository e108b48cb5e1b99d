"""Entries as the control API shows them (docs/journal.md)."""

from __future__ import annotations

import datetime
import re
from typing import Literal

import msgspec

from mockserver.journal.entry import Entry, unpack_headers
from mockserver.journal.redaction import find_key, redact_header, redact_text

KeyWord = Literal["own", "other", "none"]
_CODE = re.compile(rb'"code":\s*"([A-Z_]{1,60})"')
_TEXTS = ("text/", "application/json", "application/x-ndjson", "application/xml", "application/x-www-form-urlencoded")
_MOST_CODES = 5


class Understanding(msgspec.Struct, frozen=True):
    """A word of a request that was not understood. `kind` names what it should have been."""

    kind: str
    received: str
    nearest: list[str]
    message: str


class FaultView(msgspec.Struct, frozen=True):
    """The requested fault that changed an answer."""

    id: str
    fault: str


class MessageView(msgspec.Struct, frozen=True):
    """Headers, and the beginning of a body. `bytes` are those of the whole body; `body` is null if it is no text."""

    headers: list[tuple[str, str]]
    bytes: int
    body: str | None
    cut: bool


class RecordedRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request of a client, and how it was answered."""

    number: int
    received_at: str
    world_time: str | None
    connection: str | None
    method: str
    path: str
    query: str
    route: str | None
    operation: str | None
    operation_type: str | None
    root_fields: list[str]
    client: str | None
    key: KeyWord
    status: int | None
    error_codes: list[str]
    duration_ms: float
    complete: bool
    fault: FaultView | None
    not_understood: list[Understanding]
    request: MessageView | msgspec.UnsetType = msgspec.UNSET
    answer: MessageView | msgspec.UnsetType = msgspec.UNSET


def show_entry(entry: Entry, api_key: str | None, *, bodies: bool) -> RecordedRequest:
    """Shows one entry of the journal of this key, without secrets; its headers and bodies on request."""
    operation, fault = entry.operation, entry.fault
    view = RecordedRequest(
        number=entry.number,
        received_at=_format_time(entry.started),
        world_time=None if entry.world_time is None else f"{_format_time(entry.world_time)[:-4]}Z",
        connection=None if entry.client is None else f"{entry.client[0]}:{entry.client[1]}",
        method=entry.method,
        path=redact_text(entry.path, api_key),
        query=redact_text(entry.query.decode("utf-8", "replace"), api_key),
        route=entry.route,
        operation=None if operation is None else operation.name,
        operation_type=None if operation is None else operation.type,
        root_fields=[] if operation is None else list(operation.root_fields),
        client=name_client(entry),
        key=classify_key(entry, api_key),
        status=entry.status,
        error_codes=find_codes(entry),
        duration_ms=round(entry.seconds * 1000, 3),
        complete=entry.complete,
        fault=None if fault is None else FaultView(fault.id, fault.fault),
        not_understood=[
            Understanding(each.kind, each.received, list(each.nearest), each.message) for each in entry.unknown
        ],
    )  # fmt: skip
    if not bodies:
        return view
    return msgspec.structs.replace(
        view,
        request=_show_message(entry.headers, entry.request_body, entry.request_bytes, api_key),
        answer=_show_message(entry.answer_headers, entry.answer_body, entry.answer_bytes, api_key),
    )


def name_client(entry: Entry) -> str | None:
    """The client as it names itself: SDKs in `X-User-Agent`, others in `User-Agent`."""
    return entry.header("x-user-agent") or entry.header("user-agent")


def classify_key(entry: Entry, api_key: str | None) -> KeyWord:
    """Whether the key of the workspace was sent, another one, or none."""
    authorization = entry.header("authorization")
    if not authorization or not find_key(authorization):
        return "none"
    return "own" if find_key(authorization) == api_key else "other"


def find_codes(entry: Entry) -> list[str]:
    """The codes of the errors in the answer, in their order, each once."""
    if not entry.answer_body or (entry.status == 200 and not entry.answer_body.startswith(b'{"errors"')):
        return []
    codes = dict.fromkeys(match.decode() for match in _CODE.findall(entry.answer_body))
    return list(codes)[:_MOST_CODES]


def _show_message(headers: bytes, body: bytes, size: int, api_key: str | None) -> MessageView:
    names = unpack_headers(headers)
    kind = next((value for name, value in names if name == "content-type"), "")
    encoded = any(name == "content-encoding" for name, _ in names)
    return MessageView(
        [(name, redact_header(name, value, api_key)) for name, value in names],
        size,
        _decode(body, kind, api_key) if not encoded else None,
        len(body) < size,
    )


def _decode(body: bytes, kind: str, api_key: str | None) -> str | None:
    """The body as text; None if it is none. Of a text that was cut within a letter the letter is left out."""
    if kind and not kind.startswith(_TEXTS):
        return None
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(body) - error.start > 3:
            return None
        text = body[: error.start].decode("utf-8")
    return redact_text(text, api_key)


_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def _format_time(microseconds: int) -> str:
    """An ISO date-time with microseconds."""
    return (_EPOCH + datetime.timedelta(microseconds=microseconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
