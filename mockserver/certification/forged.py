"""Cases of messages that are not genuine: a receiver that accepts them lets anybody write into its data."""

from __future__ import annotations

import hashlib

import msgspec

from mockserver.certification.cases import BuildOne, Case, Expect, Group, Level, build_one
from mockserver.certification.factory import MessageFactory
from mockserver.certification.good import SIGN_THE_BYTES
from mockserver.webhooks.exchange import Request
from mockserver.webhooks.messages import compute_signature
from mockserver.webhooks.misbehaviour import build_request, tamper, with_header, without_headers

COMPARE_WHOLE = "Compare the whole header value, prefix included, with hmac.compare_digest or timingSafeEqual."
REFUSE_MISSING = "Refuse a message without signature: a missing header must not skip the check."


def with_signatures(factory: MessageFactory, sha1: str, sha256: str) -> Request:
    """A correct message with other signature headers."""
    return with_header(with_header(factory.correct_request(), "X-Hub-Signature", sha1), "X-Hub-Signature-256", sha256)


def replace_body(request: Request, body: bytes) -> Request:
    """Another body with the signatures of the old one."""
    return msgspec.structs.replace(request, body=body)


def _change_digit(factory: MessageFactory) -> Request:
    request = factory.correct_request()
    return replace_body(request, tamper(request.body))


def _add_space(factory: MessageFactory) -> Request:
    request = factory.correct_request()
    return replace_body(request, request.body + b" ")


def _borrow_signature(factory: MessageFactory) -> Request:
    return replace_body(factory.correct_request(factory.body(1)), factory.body())


def _use_other_secret(factory: MessageFactory) -> Request:
    return build_request(factory.build_message(secret=f"not {factory.secret}"))


def _use_empty_secret(factory: MessageFactory) -> Request:
    return build_request(factory.build_message(secret=""))


def _remove_signatures(factory: MessageFactory) -> Request:
    return without_headers(factory.correct_request(), "X-Hub-Signature", "X-Hub-Signature-256")


def _hash_without_key(factory: MessageFactory) -> Request:
    body = factory.body()
    sha1 = hashlib.sha1(body).hexdigest()  # noqa: S324  the imitated service's algorithm
    return with_signatures(factory, f"sha1={sha1}", f"sha256={hashlib.sha256(body).hexdigest()}")


def _cut(length: int) -> BuildOne:
    def build(factory: MessageFactory) -> Request:
        body = factory.body()
        sha1, sha256 = (compute_signature(kind, body, secret=factory.secret) for kind in ("sha1", "sha256"))
        return with_signatures(factory, sha1[: len("sha1=") + length], sha256[: len("sha256=") + length])

    return build


def _name_no_algorithm(factory: MessageFactory) -> Request:
    return with_signatures(factory, "none=", "none=")


def _use_upper_case(factory: MessageFactory) -> Request:
    request = factory.correct_request()
    headers = dict(request.headers)
    sha1, sha256 = (headers[name].partition("=")[2].upper() for name in ("X-Hub-Signature", "X-Hub-Signature-256"))
    return with_signatures(factory, f"sha1={sha1}", f"sha256={sha256}")


def _use_zeros(factory: MessageFactory) -> Request:
    return with_signatures(factory, f"sha1={'0' * 40}", f"sha256={'0' * 64}")


def _build_case(name: str, title: str, build: BuildOne, why: str, advice: str) -> Case:
    return Case(name, Group.FORGED, title, build_one(build), Expect.REFUSED, Level.MUST, why, advice)


FORGED = (
    _build_case(
        "tampered",
        "A body with one other digit is refused",
        _change_digit,
        "This is what a signature is for.",
        SIGN_THE_BYTES,
    ),
    _build_case(
        "space-added",
        "A space after the JSON is refused",
        _add_space,
        "It parses to the same JSON, but nobody signed these bytes: a receiver that accepts them signs parsed JSON.",
        SIGN_THE_BYTES,
    ),
    _build_case(
        "borrowed-signature",
        "The signature of another message is refused",
        _borrow_signature,
        "Anybody who has seen one message has one valid signature.",
        SIGN_THE_BYTES,
    ),
    _build_case(
        "other-secret",
        "A signature made with another secret is refused",
        _use_other_secret,
        "Only the service and you know the secret.",
        "Compare with the HMAC of your own secret.",
    ),
    _build_case(
        "empty-secret",
        "A signature made with an empty secret is refused",
        _use_empty_secret,
        "A secret read from a setting that is not set is empty, and anybody can sign with it.",
        "Refuse to start without a secret.",
    ),
    _build_case(
        "no-signature",
        "A message without signature is refused",
        _remove_signatures,
        "Anybody can send one.",
        REFUSE_MISSING,
    ),
    _build_case(
        "empty-signature",
        "Empty signature headers are refused",
        lambda factory: with_signatures(factory, "", ""),
        "A proxy may empty a header; an empty text is false in many languages.",
        REFUSE_MISSING,
    ),
    _build_case(
        "nothing-behind-the-prefix",
        "`sha1=` with nothing after it is refused",
        _cut(0),
        "It is the beginning of every valid signature.",
        COMPARE_WHOLE,
    ),
    _build_case(
        "half-a-signature",
        "The first half of a valid signature is refused",
        _cut(20),
        "If only beginnings are compared, a signature can be guessed digit by digit.",
        COMPARE_WHOLE,
    ),
    _build_case(
        "zeros",
        "A signature of zeros is refused",
        _use_zeros,
        "It has the right length and nothing else.",
        COMPARE_WHOLE,
    ),
    _build_case(
        "hash-without-key",
        "A plain hash of the body is refused",
        _hash_without_key,
        "Anybody can compute it.",
        "Use an HMAC with your secret as the key, not a hash.",
    ),
    _build_case(
        "unknown-algorithm",
        "A signature that calls its algorithm `none` is refused",
        _name_no_algorithm,
        "The sender must not choose how it is checked.",
        "Check the algorithm that you expect, whatever the header says.",
    ),
    Case(
        "upper-case-digits",
        Group.FORGED,
        "A right signature in upper case",
        build_one(_use_upper_case),
        Expect.OBSERVED,
        Level.NOTE,
        "The service writes lower case; a comparison without case is harmless.",
        "",
    ),
)
