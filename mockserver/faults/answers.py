"""Faults that take the place of an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from mockserver.errors import AuthenticationFailed, LinkExpired, NotFound, WireError
from mockserver.faults.call import FaultyCall, pause
from mockserver.http.responses import JSON, storage_error

HTML = "text/html; charset=utf-8"
_PAGE = b"<!DOCTYPE html>\n<html><head><title>%d</title></head><body><h1>%d</h1></body></html>\n"
UPSTREAM = b"upstream connect error or disconnect/reset before headers. reset reason: connection failure"
"""The text by which SDKs know an error of the service's proxy (lbox request_client.py)."""
EXCEEDED = "You have exceeded your API rate limit. Please wait before you send more requests."
"""SDKs take an answer for their ApiLimitError if its message begins with `You have exceeded`."""
MASKED = "GraphQL validation error"
COMPLEX = "Query complexity limit exceeded"
LOOP_STATUS = 307

Act = Callable[[FaultyCall], Awaitable[None]]


def answer_document(build: Callable[[FaultyCall], Any], status: int | None = None) -> Act:
    """A fault whose answer is JSON; without a status it takes the option `status`."""

    async def act(call: FaultyCall) -> None:
        await call.respond(status or call.options["status"], orjson.dumps(build(call)), JSON)

    return act


def build_error(call: FaultyCall, code: str, message: str, **more: Any) -> dict[str, Any]:
    """The body of an error in the shape that the client expects."""
    if not call.is_graphql:
        return {"message": message, "code": code}
    return {"errors": [{"message": message, "extensions": {"code": code, **more}}], "data": None}


def build_server_error(call: FaultyCall) -> Any:
    return build_error(
        call, "INTERNAL_SERVER_ERROR", call.options["message"], exception={"status": call.options["status"]}
    )


def build_internal_error(call: FaultyCall) -> Any:
    return build_error(call, "INTERNAL_SERVER_ERROR", call.options["message"])


def build_coded_error(call: FaultyCall) -> Any:
    document = build_error(call, call.options["code"], call.options["message"])
    if call.options["code"] == "MALFORMED_REQUEST" and call.is_graphql:
        document["errors"][0]["errors"] = [{"error": call.options["message"]}]
    return document


def build_masked(_call: FaultyCall) -> Any:
    """The message of every validation error of 2026 (observed in SDK tests)."""
    return {"errors": [{"message": MASKED, "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}], "data": None}


def build_refusal_of_2020(_call: FaultyCall) -> Any:
    """An error within another one, as the service sent it (observed 2020-09)."""
    extensions = {
        "code": "INTERNAL_SERVER_ERROR",
        "exception": {
            "context": {"userId": "clx0a1b2c0154s07z9k3m5p7q", "organizationId": "clx0a1b2c0155s07z9k3m5p7q"},
            "code": "AUTHORIZATION_ERROR",
        },
    }
    message = "You are unauthorized to perform this action"
    return {"errors": [{"message": message, "locations": [], "extensions": extensions}], "data": None}


def build_complexity_error(_call: FaultyCall) -> Any:
    return {"errors": [{"message": COMPLEX, "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}], "data": None}


# Documents that are no answer of GraphQL


def build_fixed(document: Any) -> Callable[[FaultyCall], Any]:
    """A document that is always the same."""
    return lambda _call: document


# Statuses


async def limit_rate(call: FaultyCall) -> None:
    """Lets `limit` calls of each window pass, and refuses the others with the seconds that are left."""
    window = int(call.options["window"] * 1_000_000)
    left = window - call.now % window
    retry_after = (b"retry-after", str(-(-left // 1_000_000)).encode())
    body = orjson.dumps({"message": call.options["message"]})
    await call.respond(call.options["status"], body, JSON, [retry_after])


async def answer_page(call: FaultyCall) -> None:
    status = call.options["status"]
    await call.respond(status, _PAGE % (status, status), HTML)


async def answer_upstream_error(call: FaultyCall) -> None:
    await call.respond(call.options["status"], UPSTREAM, "text/plain")


async def answer_nothing(call: FaultyCall) -> None:
    await call.respond(call.options["status"], b"", JSON)


async def revoke_key(call: FaultyCall) -> None:
    await _refuse(call, AuthenticationFailed("The API key was revoked"))


async def lose_file(call: FaultyCall) -> None:
    await _refuse(call, NotFound("The file or record was deleted"))


async def expire_link(call: FaultyCall) -> None:
    await _refuse(call, LinkExpired("ExpiredToken: this link has expired; export again to get a fresh one"))


async def _refuse(call: FaultyCall, error: WireError) -> None:
    """Refuses as the server itself does: in the words of GraphQL, of the storage, or of REST."""
    if call.is_storage and not isinstance(error, AuthenticationFailed):
        response = storage_error(error)
        await call.respond(response.status_code, bytes(response.body), response.headers["content-type"])
        return
    status = 200 if call.is_graphql and not isinstance(error, AuthenticationFailed) else error.status
    await call.respond(status, orjson.dumps(build_error(call, error.code, error.message)), JSON)


async def redirect(call: FaultyCall) -> None:
    """Redirects to the same address, for ever."""
    query = call.scope["query_string"]
    target = call.scope["raw_path"] + (b"?" + query if query else b"")
    await call.respond(LOOP_STATUS, b"", "text/plain", [(b"location", target)])


# Time and connections


async def answer_late(call: FaultyCall) -> None:
    """Answers after some seconds: before the request is carried out, or with `when` "after" when it was."""
    delay = call.options["seconds"] + call.draw().uniform(0, call.options["spread"])
    if not call.carried_out:
        await pause(delay)
        await call.pass_on()
        return

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            await pause(delay)
        await call.send(message)

    await call.pass_on(send)


def end_connection(end: Callable[[FaultyCall], Awaitable[None]]) -> Act:
    """A fault that ends the connection without an answer."""

    async def act(call: FaultyCall) -> None:
        if call.carried_out:
            await call.run()
        await end(call)

    return act
