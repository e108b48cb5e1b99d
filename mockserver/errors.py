"""What can go wrong, and the code each thing carries on the wire.

    MockserverError
    ├── StartupError             a person started us wrongly: one line for the terminal, no traceback
    │   └── ScenarioError        a scenario file is wrong: file, key path, what was expected
    └── WireError                a client is told: `extensions.code` in GraphQL, a status in REST
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
        ├── ControlRefused           CONTROL_REFUSED, 401: the control API from elsewhere, without its token
        ├── HostRefused              HOST_REFUSED, 421: the Host header names another server than this one
        ├── LinkRefused              a signed link that was changed, 403
        │   └── LinkExpired          one whose time is over
        ├── ResourceFailed           MOCKSERVER_RESOURCE_FAILED, 409: the machine's disk, files or database failed
        └── MockserverBug            MOCKSERVER_BUG: our own fault, said so

The codes are those the SDK maps to exceptions (lbox request_client.py:246-383). None is INTERNAL_SERVER_ERROR and
no status is 5xx: the SDK retries those for two minutes and drops the body.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice, pairwise
from typing import Any, ClassVar, Self

MOST_MESSAGE = 2000
"""Characters of a message to a client. What the client sent is repeated in it, so it needs a bound."""
MOST_SHOWN = 200
"""Characters of a path that a message repeats."""
MOST_COMPARED = 100
"""Characters of a word that are compared with known words. The longest known path has 70."""
MOST_CANDIDATES = 500
"""Known words that one word is compared with, 5 to 50 microseconds each."""


class MockserverError(Exception):
    """Base of everything this package raises on purpose."""


class StartupError(MockserverError):
    """The server cannot start as asked; the message says what came, what was expected and what to do."""


class ScenarioError(StartupError):
    """A scenario file cannot be used; the message names the file and the key path."""


class WireError(MockserverError):
    """Something a client is told. `code` goes to `extensions.code`, `status` is the HTTP status outside GraphQL."""

    code: ClassVar[str] = "BAD_USER_INPUT"
    status: ClassVar[int] = 400

    def __init__(self, message: str, **extensions: Any) -> None:
        self.message = shortened(message, MOST_MESSAGE)
        super().__init__(self.message)
        self.extensions = extensions

    def copied(self) -> Self:
        """A copy to raise in the place of an error that is kept.

        Raising an error adds to its traceback, and a traceback holds all that the request had in memory.
        """
        copy = type(self).__new__(type(self), *self.args)
        vars(copy).update(vars(self))
        return copy

    def as_graphql(self) -> dict[str, Any]:
        """One entry of the wire's `errors` list."""
        return {"message": self.message, "extensions": {"code": self.code, **self.extensions}}


class AuthenticationFailed(WireError):
    """No API key came, or one that names no workspace."""

    code = "AUTHENTICATION_ERROR"
    status = 401


class NotFound(WireError):
    """The thing asked for does not exist in this workspace."""

    code = "RESOURCE_NOT_FOUND"
    status = 404


class NotYours(WireError):
    """The thing asked for exists, in another workspace than that of the API key."""

    code = "AUTHORIZATION_ERROR"
    status = 403


class Gone(WireError):
    """The thing asked for was deleted."""

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
        self.errors = errors or [{"error": self.message}]

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
    """The GraphQL document asks for something the schema does not have."""

    code = "GRAPHQL_VALIDATION_FAILED"


class QueryTooComplex(WireError):
    """More selections or more depth than any real client sends; the reason stands in `extensions.reason`."""

    code = "GRAPHQL_VALIDATION_FAILED"

    def __init__(self, reason: str) -> None:
        # The SDK raises ValidationFailedError on exactly this message (lbox request_client.py:266).
        super().__init__("Query complexity limit exceeded", reason=reason)


class BodyTooLarge(WireError):
    """The request body passes the limit."""

    status = 413


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
    """The time of a signed link is over."""


class ResourceFailed(WireError):
    """The request is right, and something that the machine lends the server is missing: disk space, file descriptors,
    the state folder (the table of causes: world/faults.py).

    The code is our own, so that no client takes it for an answer of the service. The status is 409, because the same
    request is answered when the cause is gone; 429, 507 or 503 would say more, and clients retry those by themselves.
    """

    code = "MOCKSERVER_RESOURCE_FAILED"
    status = 409


class MockserverBug(WireError):
    """An exception nobody planned. Its traceback is in the server's log."""

    code = "MOCKSERVER_BUG"


def nearest(word: str, known: Iterable[str], *, most: int = 5) -> list[str]:
    """Return the known words most like `word`, best first; the list is empty only if no word is known.

    The time is bounded, because clients choose `word` and often the known words too: of each word the first
    `MOST_COMPARED` characters count, and of the known words the first `MOST_CANDIDATES`. Two words are as like as the
    share of their letters and pairs of letters that they have in common. `difflib` is not used: its time grows with
    the square of a word's length and more (3 seconds for one path of 60 kB).
    """
    asked = _pieces(word)

    def likeness(candidate: str) -> float:
        other = _pieces(candidate)
        return (asked & other).total() / (asked.total() + other.total())

    return sorted(sorted(islice(known, MOST_CANDIDATES)), key=likeness, reverse=True)[:most]


def _pieces(word: str) -> Counter[str]:
    """Count the letters and pairs of letters of a word; its two ends count as letters."""
    letters = f"\0{word[:MOST_COMPARED].lower()}\0"
    return Counter(letters) + Counter(map("".join, pairwise(letters)))


def shortened(text: str, most: int) -> str:
    """Return the text, or its beginning and how long it is when it has more than `most` characters."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


def quoted(words: Iterable[str]) -> str:
    """`"a", "b", "c"` for use in a message."""
    return ", ".join(f'"{word}"' for word in words)
