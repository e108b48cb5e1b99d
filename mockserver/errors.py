"""The exceptions of this package, and the codes that clients receive.

    MockserverError
    ├── StartupError             a user started the server wrongly: one line for the terminal, no traceback
    │   └── ScenarioError        a scenario file is wrong: file, key path, expected value
    └── WireError                sent to a client: `extensions.code` in GraphQL, a status in REST
        ├── AuthenticationFailed     AUTHENTICATION_ERROR
        ├── NotFound                 RESOURCE_NOT_FOUND
        ├── NotYours                 AUTHORIZATION_ERROR, 403: it is another workspace's
        ├── Gone                     RESOURCE_GONE, 410: it was there and is deleted
        ├── Conflict                 RESOURCE_CONFLICT
        ├── MalformedRequest         MALFORMED_REQUEST, with the sibling `errors` the export calls read
        ├── NotAllowed               OPERATION_NOT_ALLOWED
        ├── BadInput                 BAD_USER_INPUT
        ├── QueryNotParsed           GRAPHQL_PARSE_FAILED
        ├── QueryNotValid            GRAPHQL_VALIDATION_FAILED
        ├── QueryTooComplex          GRAPHQL_VALIDATION_FAILED, in the one wording the SDK knows
        ├── BodyTooLarge             BAD_USER_INPUT, 413
        ├── RequestsDiffer           REQUESTS_DIFFER, 409: a client sent other requests than a test expected
        ├── ControlRefused           CONTROL_REFUSED, 401: the control API from elsewhere, without its token
        ├── HostRefused              HOST_REFUSED, 421: the Host header names another server than this one
        ├── LinkRefused              a signed link that was changed, 403
        │   └── LinkExpired          a signed link that has expired
        ├── OwnerUnavailable         MOCKSERVER_OWNER_UNAVAILABLE, 502: the replica that serves the workspace was lost
        ├── ResourceFailed           MOCKSERVER_RESOURCE_FAILED, 409: the machine's disk, files or database failed
        └── MockserverBug            MOCKSERVER_BUG: a fault of this program

The codes are those the SDK maps to exceptions (lbox request_client.py:246-383). None is INTERNAL_SERVER_ERROR and
no status is 5xx unless the server cannot be used at all: the SDK retries those for two minutes and drops the body.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice, pairwise
from typing import Any, ClassVar, Self

MOST_MESSAGE = 2000
"""Characters of a message to a client. It repeats what the client sent, so it needs a bound."""
MOST_SHOWN = 200
"""Characters of a path that a message repeats."""
MOST_COMPARED = 100
"""Characters of a word that are compared with known words. The longest known path has 70."""
MOST_CANDIDATES = 500
"""Known words that one word is compared with, 5 to 50 microseconds each."""


class MockserverError(Exception):
    """Base of every exception that this package raises on purpose."""


class StartupError(MockserverError):
    """The server cannot start with these settings; the message has the value, the expected one and what to do."""


class ScenarioError(StartupError):
    """A scenario file cannot be used; the message names the file and the key path."""


class WireError(MockserverError):
    """An error that is sent to a client. `code` is `extensions.code`, `status` the HTTP status outside GraphQL."""

    code: ClassVar[str] = "BAD_USER_INPUT"
    status: ClassVar[int] = 400

    def __init__(self, message: str, **extensions: Any) -> None:
        self.message = shorten(message, MOST_MESSAGE)
        super().__init__(self.message)
        self.extensions = {name: _shorten_texts(value) for name, value in extensions.items()}

    def copy(self) -> Self:
        """Copies an error that is kept, to raise the copy in its place.

        Raising an error adds to its traceback, and a traceback holds all that the request had in memory.
        """
        twin = type(self).__new__(type(self), *self.args)
        vars(twin).update(vars(self))
        return twin

    def as_graphql(self) -> dict[str, Any]:
        """Renders one entry of the list `errors` of an answer."""
        return {"message": self.message, "extensions": {"code": self.code, **self.extensions}}


class AuthenticationFailed(WireError):
    """The request has no API key, one that names no workspace, or one that has expired or was revoked."""

    code = "AUTHENTICATION_ERROR"
    status = 401


class NotFound(WireError):
    """The requested thing does not exist in this workspace."""

    code = "RESOURCE_NOT_FOUND"
    status = 404


class NotYours(WireError):
    """The requested thing exists in another workspace than that of the API key."""

    code = "AUTHORIZATION_ERROR"
    status = 403


class Gone(WireError):
    """The requested thing was deleted."""

    code = "RESOURCE_GONE"
    status = 410


class Conflict(WireError):
    """The change does not fit the state of the world."""

    code = "RESOURCE_CONFLICT"
    status = 409


class MalformedRequest(WireError):
    """The request was understood and makes no sense.

    The export calls of the SDK read `error["errors"]` beside `message` and die with a KeyError without it
    (client side since 3.50, `error_log_key="errors"`), so `as_graphql` always carries it.
    """

    code = "MALFORMED_REQUEST"

    def __init__(self, message: str, *, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.errors: list[dict[str, Any]] = _shorten_texts(errors) if errors else [{"error": self.message}]

    def as_graphql(self) -> dict[str, Any]:
        return {**super().as_graphql(), "errors": self.errors}


class NotAllowed(WireError):
    """The operation is known and refused here."""

    code = "OPERATION_NOT_ALLOWED"
    status = 405


class BadInput(WireError):
    """The body or an argument cannot be read."""


class QueryNotParsed(WireError):
    """The GraphQL document has a syntax error; the service's messages start with `Syntax Error:`."""

    code = "GRAPHQL_PARSE_FAILED"


class QueryNotValid(WireError):
    """The GraphQL document selects something that the schema does not have."""

    code = "GRAPHQL_VALIDATION_FAILED"


class QueryTooComplex(WireError):
    """More selections or more depth than any real client sends; the reason is in `extensions.reason`."""

    code = "GRAPHQL_VALIDATION_FAILED"

    def __init__(self, reason: str) -> None:
        # The SDK raises ValidationFailedError on exactly this message (lbox request_client.py:266).
        super().__init__("Query complexity limit exceeded", reason=reason)


class BodyTooLarge(WireError):
    """The request body passes the limit."""

    status = 413


class RequestsDiffer(WireError):
    """A client has sent other requests than a test expected of it."""

    code = "REQUESTS_DIFFER"
    status = 409


class ControlRefused(WireError):
    """The control API was called from another machine, through a proxy or by a web page, without the control token."""

    code = "CONTROL_REFUSED"
    status = 401


class HostRefused(WireError):
    """The Host header names another server, as it does when a web page has its own name resolved to this machine."""

    code = "HOST_REFUSED"
    status = 421


class LinkRefused(WireError):
    """A signed link was changed."""

    code = "ACCESS_DENIED"
    status = 403


class LinkExpired(LinkRefused):
    """A signed link has expired."""


class ResourceFailed(WireError):
    """The request is right, and the machine lacks something that the server needs: disk space, file descriptors, the
    state folder (the table of causes: world/machine_failures.py).

    The code is not one of the service's, so that no client takes it for its answer. The status is 409, because the same
    request succeeds when the cause is gone; 429, 507 or 503 would say more, and clients retry those by themselves.
    """

    code = "MOCKSERVER_RESOURCE_FAILED"
    status = 409
    may_be_committed = False
    """Whether the change may have been made all the same: the connection was lost while the database committed it."""
    record: str | None = None
    """The id of the task that the change was to create."""


def may_be_committed(error: BaseException) -> bool:
    """Whether a change that has failed may have been made all the same."""
    return isinstance(error, ResourceFailed) and error.may_be_committed


class NotReady(WireError):
    """A resource outside of the server has failed, and requests that need it will fail. Only the health check says it,
    with a status that orchestrators and balancers read."""

    code = "MOCKSERVER_NOT_READY"
    status = 503


class OwnerUnavailable(WireError):
    """The replica that serves the workspace was lost. The status is that of a proxy, which clients send again."""

    code = "MOCKSERVER_OWNER_UNAVAILABLE"
    status = 502


class MockserverBug(WireError):
    """An unexpected exception. Its traceback is in the server's log."""

    code = "MOCKSERVER_BUG"


def nearest(word: str, known: Iterable[str], *, most: int = 5) -> list[str]:
    """Returns the known words most like `word`, best first; the list is empty only if no word is known.

    The time is bounded, because clients choose `word` and often the known words too: of each word the first
    `MOST_COMPARED` characters count, and of the known words the first `MOST_CANDIDATES`. Two words are as
    similar as the share of their letters and pairs of letters that they have in common. `difflib` is not used: its
    time grows with the square of a word's length and more (3 seconds for one path of 60 kB).
    """
    pieces = _split(word)

    def likeness(candidate: str) -> float:
        others = _split(candidate)
        return (pieces & others).total() / (pieces.total() + others.total())

    return sorted(sorted(islice(known, MOST_CANDIDATES)), key=likeness, reverse=True)[:most]


def _split(word: str) -> Counter[str]:
    """Counts the letters and pairs of letters of a word; its two ends count as letters."""
    letters = f"\0{word[:MOST_COMPARED].lower()}\0"
    return Counter(letters) + Counter(map("".join, pairwise(letters)))


def shorten(text: str, most: int) -> str:
    """Returns the text, or its beginning and its length when it has more than `most` characters."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def _shorten_texts(value: Any) -> Any:
    """Shortens every text of a JSON value as a message."""
    if isinstance(value, str):
        return shorten(value, MOST_MESSAGE)
    if isinstance(value, dict):
        return {key: _shorten_texts(inner) for key, inner in value.items()}
    return [_shorten_texts(inner) for inner in value] if isinstance(value, list) else value


def quote(words: Iterable[str]) -> str:
    """Formats words as `"a", "b", "c"` for a message."""
    return ", ".join(f'"{word}"' for word in words)
