"""Cases of messages that are not genuine: a receiver that accepts them lets anybody write into its data."""

from __future__ import annotations

import hashlib

import msgspec

from mockserver.certification.bench import Bench
from mockserver.certification.cases import Case, Expect, Group, Level, Make, one
from mockserver.certification.good import SIGN_THE_BYTES
from mockserver.webhooks.messages import compute_signature
from mockserver.webhooks.misbehaviour import Shot, shot, tampered, with_header, without

COMPARE_WHOLE = "Compare the whole header value, prefix included, with hmac.compare_digest or timingSafeEqual."
REFUSE_MISSING = "Refuse a message without signature: a header that is not there must not skip the check."


def signed_by(bench: Bench, sha1: str, sha256: str) -> Shot:
    """A good message with other signature headers."""
    return with_header(with_header(bench.good(), "X-Hub-Signature", sha1), "X-Hub-Signature-256", sha256)


def rebodied(sent: Shot, body: bytes) -> Shot:
    """Another body under the signatures of the old one."""
    return msgspec.structs.replace(sent, body=body)


def _tampered(bench: Bench) -> Shot:
    good = bench.good()
    return rebodied(good, tampered(good.body))


def _space_added(bench: Bench) -> Shot:
    good = bench.good()
    return rebodied(good, good.body + b" ")


def _borrowed(bench: Bench) -> Shot:
    return rebodied(bench.good(bench.body(1)), bench.body())


def _other_secret(bench: Bench) -> Shot:
    return shot(bench.build_message(secret=f"not {bench.secret}"))


def _empty_secret(bench: Bench) -> Shot:
    return shot(bench.build_message(secret=""))


def _unsigned(bench: Bench) -> Shot:
    return without(bench.good(), "X-Hub-Signature", "X-Hub-Signature-256")


def _without_key(bench: Bench) -> Shot:
    body = bench.body()
    return signed_by(bench, f"sha1={hashlib.sha1(body).hexdigest()}", f"sha256={hashlib.sha256(body).hexdigest()}")  # noqa: S324  the imitated service's algorithm


def _cut(length: int) -> Make:
    def make(bench: Bench) -> Shot:
        body = bench.body()
        sha1, sha256 = (compute_signature(kind, body, secret=bench.secret) for kind in ("sha1", "sha256"))
        return signed_by(bench, sha1[: len("sha1=") + length], sha256[: len("sha256=") + length])

    return make


def _other_algorithm(bench: Bench) -> Shot:
    return signed_by(bench, "none=", "none=")


def _upper_case(bench: Bench) -> Shot:
    good = bench.good()
    found = dict(good.headers)
    sha1, sha256 = (found[name].partition("=")[2].upper() for name in ("X-Hub-Signature", "X-Hub-Signature-256"))
    return signed_by(bench, f"sha1={sha1}", f"sha256={sha256}")


def _wrong_digits(bench: Bench) -> Shot:
    return signed_by(bench, f"sha1={'0' * 40}", f"sha256={'0' * 64}")


def _forged(name: str, title: str, make: Make, why: str, advice: str) -> Case:
    return Case(name, Group.FORGED, title, one(make), Expect.REFUSED, Level.MUST, why, advice)


FORGED = (
    _forged(
        "tampered",
        "A body with one other digit is refused",
        _tampered,
        "This is what a signature is for.",
        SIGN_THE_BYTES,
    ),
    _forged(
        "space-added",
        "A space behind the JSON is refused",
        _space_added,
        "It parses to the same, but these bytes nobody signed: who accepts them signs parsed JSON.",
        SIGN_THE_BYTES,
    ),
    _forged(
        "borrowed-signature",
        "The signature of another message is refused",
        _borrowed,
        "Whoever has seen one message has one valid signature.",
        SIGN_THE_BYTES,
    ),
    _forged(
        "other-secret",
        "A signature made with another secret is refused",
        _other_secret,
        "Only the service and you know the secret.",
        "Compare with the HMAC of your own secret.",
    ),
    _forged(
        "empty-secret",
        "A signature made with an empty secret is refused",
        _empty_secret,
        "A secret read from a setting that is not set is empty, and anybody can sign with it.",
        "Refuse to start without a secret.",
    ),
    _forged(
        "no-signature", "A message without signature is refused", _unsigned, "Anybody can send one.", REFUSE_MISSING
    ),
    _forged(
        "empty-signature",
        "Empty signature headers are refused",
        lambda bench: signed_by(bench, "", ""),
        "A proxy may empty a header; an empty text is false in many languages.",
        REFUSE_MISSING,
    ),
    _forged(
        "nothing-behind-the-prefix",
        "`sha1=` with nothing behind it is refused",
        _cut(0),
        "It is the beginning of every valid signature.",
        COMPARE_WHOLE,
    ),
    _forged(
        "half-a-signature",
        "The first half of a valid signature is refused",
        _cut(20),
        "Who compares beginnings can be guessed digit by digit.",
        COMPARE_WHOLE,
    ),
    _forged(
        "zeros",
        "A signature of zeros is refused",
        _wrong_digits,
        "It has the right length and nothing else.",
        COMPARE_WHOLE,
    ),
    _forged(
        "hash-without-key",
        "A plain hash of the body is refused",
        _without_key,
        "Anybody can compute it.",
        "Use an HMAC with your secret as the key, not a hash.",
    ),
    _forged(
        "unknown-algorithm",
        "A signature that calls its algorithm `none` is refused",
        _other_algorithm,
        "The sender must not choose how it is checked.",
        "Check the algorithm that you expect, whatever the header says.",
    ),
    Case(
        "upper-case-digits",
        Group.FORGED,
        "A right signature in upper case",
        one(_upper_case),
        Expect.OBSERVED,
        Level.NOTE,
        "The service writes lower case; who compares without case loses nothing.",
        "",
    ),
)
