"""Patterns of answers that point to a mistake: which cases were accepted, were refused, and crashed."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from mockserver.certification.cases import Group
from mockserver.certification.observations import Observations


class Diagnosis(msgspec.Struct, frozen=True):
    """A likely mistake. `proven`: no other explanation is left."""

    name: str
    title: str
    advice: str
    evidence: str
    proven: bool = False


CRASHING_FORGED = ("tampered", "other-secret", "borrowed-signature")

When = Callable[[Observations], bool]


class Pattern(msgspec.Struct, frozen=True):
    name: str
    when: When
    title: str
    advice: str
    evidence: str


def match_patterns(it: Observations) -> list[Diagnosis]:
    """Lists every pattern that matches, in the order of the table."""
    return [
        Diagnosis(pattern.name, pattern.title, pattern.advice, pattern.evidence)
        for pattern in PATTERNS
        if pattern.when(it)
    ]


def explain_the_rest(it: Observations) -> list[Diagnosis]:
    """The remaining explanations if no message signed in a mistaken way was accepted."""
    if it.are_accepted("good"):
        return []
    if it.have_crashed("good", "good-other-row", *CRASHING_FORGED):
        return [_ALWAYS_CRASHES]
    if it.statuses("not-an-object", "not-json").isdisjoint(it.statuses("other-secret", "tampered")):
        return [_PART_OF_THE_BODY]
    return [_ANOTHER_SECRET]


def _answers_errors_with_200(it: Observations) -> bool:
    words = it.words("other-secret")
    error = re.search(r"error|invalid|mismatch|forbidden|unauthori[sz]ed|not match|denied|fail", words, re.IGNORECASE)
    return it.verifies_nothing and bool(error) and words != it.words("good")


def _refuses_with_500(it: Observations) -> bool:
    return it.are_accepted("good") and it.statuses(*CRASHING_FORGED) == {500}


def _crashes_on_missing_header(it: Observations) -> bool:
    return it.have_crashed("no-signature") and it.are_refused(*CRASHING_FORGED)


def _refuses_some_text(it: Observations) -> bool:
    return it.are_accepted("good") and not it.are_accepted("multibyte") and it.are_accepted("numbers", "white-space")


def _loses_bodies(it: Observations) -> bool:
    return it.are_accepted("good") and it.are_not_accepted("slow")


def _decodes_parts(it: Observations) -> bool:
    return it.are_accepted("good", "multibyte", "slow") and it.are_not_accepted("split-letter")


def _stops_at_a_size(it: Observations) -> bool:
    """413, or a refusal for which a body that ends in spaces gives no other reason."""
    return 413 in it.statuses("large") or (it.are_accepted("good", "white-space") and it.are_not_accepted("large"))


def _refuses_topics(it: Observations) -> bool:
    results = [result for result in it.group(Group.GOOD) if result.case.name.startswith("topic-")]
    return it.are_accepted("good") and any(not result.accepted for result in results)


PATTERNS = (
    Pattern(
        "wrong-place",
        lambda it: it.wrong_address and it.statuses("good") != {None},
        "There is no receiver at this address, or it accepts no POST",
        "Give the whole URL with its path, with or without a slash at the end as in your route, and allow POST.",
        "the correct message was answered with 404, 405 or a redirect",
    ),
    Pattern(
        "no-answer",
        lambda it: it.statuses("good") == {None},
        "It accepts the connection and does not answer",
        "Read Content-Length bytes, not until the end of the stream; answer before you do the work.",
        "the correct message got no answer",
    ),
    Pattern(
        "errors-told-as-200",
        _answers_errors_with_200,
        "It answers errors with status 200",
        'Answer 401 or 403: a sender reads only the status. In Flask: return "Error", 403.',
        "forged messages were answered with 200 and an error text",
    ),
    Pattern(
        "nothing-verified",
        lambda it: it.verifies_nothing and not _answers_errors_with_200(it),
        "It verifies nothing",
        "Compute the HMAC of the raw body with your secret, and refuse the message if X-Hub-Signature differs.",
        "tampered, wrongly signed and unsigned messages were accepted",
    ),
    Pattern(
        "skipped-when-missing",
        lambda it: (
            (it.are_accepted("no-signature") or it.are_accepted("empty-signature"))
            and it.are_not_accepted("other-secret")
        ),
        "It skips the check when there is no signature",
        "Refuse a message without signature.",
        "messages without signature were accepted, wrongly signed ones were not",
    ),
    Pattern(
        "beginning-compared",
        lambda it: (
            (it.are_accepted("half-a-signature") or it.are_accepted("nothing-behind-the-prefix"))
            and it.are_not_accepted("zeros")
        ),
        "It compares only the beginning of the signature",
        "Compare the whole of both, with hmac.compare_digest or timingSafeEqual.",
        "a part of a valid signature was accepted, zeros were not",
    ),
    Pattern(
        "shape-compared",
        lambda it: it.are_accepted("zeros") and it.are_not_accepted("half-a-signature"),
        "It checks the shape of the signature and not its digits",
        "Compute the HMAC of the raw body with your secret and compare it with the header.",
        "a signature of zeros was accepted, a shorter one was not",
    ),
    Pattern(
        "empty-secret-accepted",
        lambda it: it.are_accepted("good", "empty-secret") and not it.verifies_nothing,
        "It also accepts messages that are signed with an empty secret",
        "Never fall back to an empty secret.",
        "a message signed with an empty secret was accepted as well as the correct ones",
    ),
    Pattern(
        "algorithm-of-the-sender",
        lambda it: it.are_accepted("unknown-algorithm") and it.are_not_accepted("other-secret"),
        "It lets the sender choose the algorithm, and `none` is one",
        "Check the algorithm that you expect, whatever the header says.",
        "a signature that calls itself `none` was accepted",
    ),
    Pattern(
        "body-not-signed",
        lambda it: it.are_accepted("good", "tampered", "borrowed-signature") and it.are_not_accepted("other-secret"),
        "It signs something else than the body",
        "Sign the raw body.",
        "signatures of other bodies were accepted, those of another secret were not",
    ),
    Pattern(
        "refuses-by-500",
        _refuses_with_500,
        "It refuses with status 500",
        'Answer 401 or 403. The documentation\'s own sample returns ("Error", 500, 200), which Flask cannot send and '
        "turns into a 500 of its own; its later version returns 500. Senders repeat what is answered so.",
        "each forged message was answered with 500",
    ),
    Pattern(
        "header-taken-for-granted",
        _crashes_on_missing_header,
        "It crashes when the signature header is missing",
        "Use request.headers.get(…), and refuse when it is None.",
        "the unsigned message crashed it, the wrongly signed ones were refused",
    ),
    Pattern(
        "signature-not-ascii",
        lambda it: it.have_crashed("signature-not-ascii") and it.are_refused(*CRASHING_FORGED),
        "It compares texts, and crashes when one is not ASCII",
        "Compare bytes: hmac.compare_digest(expected.encode(), got.encode()).",
        "a signature with a non-ASCII letter crashed it",
    ),
    Pattern(
        "text-decoded",
        _refuses_some_text,
        "It decodes the body before it signs it",
        "Sign the bytes as they were received.",
        "non-ASCII texts were refused, the same JSON in another spelling was accepted",
    ),
    Pattern(
        "read-once",
        _loses_bodies,
        "It reads only the first part of the body",
        "Read until Content-Length bytes have arrived.",
        "a message that was sent in parts was not accepted",
    ),
    Pattern(
        "pieces-decoded",
        _decodes_parts,
        "It decodes each part of the body separately",
        "Collect bytes and decode the whole, if at all: Buffer.concat(chunks) instead of body += chunk.",
        "a message whose letters were cut between two parts was not accepted",
    ),
    Pattern(
        "body-limit",
        _stops_at_a_size,
        "It stops at bodies of some size",
        "Raise the limit: express.raw({limit: '20mb'}), client_max_body_size in nginx, DATA_UPLOAD_MAX_MEMORY_SIZE in "
        "Django.",
        "a correct message of 256 KiB was not accepted",
    ),
    Pattern(
        "id-before-check",
        lambda it: it.are_accepted("good") and it.are_not_accepted("good-after-forged"),
        "It remembers delivery ids before it has verified the message",
        "Verify first, then remember the id.",
        "a correct message was refused after a forged one with its id",
    ),
    Pattern(
        "duplicates-refused",
        lambda it: it.are_accepted("good") and it.are_not_accepted("duplicate"),
        "It refuses a message that it already has",
        "Answer 2xx: a refusal means to the sender that you do not have it.",
        "the second of two equal messages was not accepted",
    ),
    Pattern(
        "topics-refused",
        _refuses_topics,
        "It refuses topics that it does not use",
        "Answer 2xx to every topic, and ignore those you do not use.",
        "some topics were accepted and others were not",
    ),
    Pattern(
        "gone",
        lambda it: bool(it.results) and it.are_accepted("good") and it.statuses("good-at-the-end") == {None},
        "It no longer answers at the end",
        "Find the first message in its log after which it was silent.",
        "the first message was accepted, the last got no answer",
    ),
)

_ALWAYS_CRASHES = Diagnosis(
    "always-crashes",
    "It crashes on every message, or refuses them all with 500",
    "Read its log. A text where hmac.new expects bytes is the usual reason (hmac.new(secret.encode(), …)); if there "
    "is no exception, it has another secret.",
    "correct and forged messages were all answered with 5xx, and no mistaken signature was accepted",
)
_ANOTHER_SECRET = Diagnosis(
    "another-secret",
    "It has another secret",
    "Compare the secret of your receiver with the one given here; all usual mistakes in signing were tried.",
    "correct messages were refused, and no mistaken signature was accepted",
)

_PART_OF_THE_BODY = Diagnosis(
    "part-of-the-body",
    "It reads only a part of the body",
    "Read until Content-Length bytes have arrived; one read of a socket returns only what its buffer holds.",
    "signed messages of a few bytes were verified, those of a few thousand were not",
)

EVERY = (*PATTERNS, _ALWAYS_CRASHES, _ANOTHER_SECRET, _PART_OF_THE_BODY)
"""All guesses."""
EXPLAINED_BY_PROOF = {"text-decoded", "body-not-signed"}
"""Guesses that a proven mistake in signing makes superfluous."""
