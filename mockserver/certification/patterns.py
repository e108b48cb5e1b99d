"""Mistakes that show in which cases were accepted, refused and crashed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from mockserver.certification.cases import Group
from mockserver.certification.judge import Result, Verdict


class Diagnosis(msgspec.Struct, frozen=True):
    """A likely mistake. `proven`: no other explanation is left."""

    name: str
    title: str
    advice: str
    evidence: str
    proven: bool = False


class Seen:
    """The answers of a run, asked by the names of cases. A case that was left out is neither accepted nor refused."""

    def __init__(self, results: Sequence[Result]) -> None:
        self.results = [result for result in results if result.verdict is not Verdict.LEFT_OUT]
        self._by_name = {result.case.name: result for result in self.results}

    def accepted(self, *names: str) -> bool:
        return all(name in self._by_name and self._by_name[name].accepted for name in names)

    def refused(self, *names: str) -> bool:
        return all(name in self._by_name and self._by_name[name].refused for name in names)

    def crashed(self, *names: str) -> bool:
        return all(name in self._by_name and self._by_name[name].crashed for name in names)

    def not_accepted(self, *names: str) -> bool:
        return all(name in self._by_name and not self._by_name[name].accepted for name in names)

    def statuses(self, *names: str) -> set[int | None]:
        return {answer.status for name in names if name in self._by_name for answer in self._by_name[name].answers}

    def words(self, name: str) -> str:
        """The body of the first answer."""
        found = self._by_name.get(name)
        return found.answers[0].body.decode("utf-8", "replace") if found and found.answers else ""

    def group(self, group: Group) -> list[Result]:
        return [result for result in self.results if result.case.group is group and result.answers]

    @property
    def verifies_nothing(self) -> bool:
        return self.accepted("tampered", "other-secret", "no-signature")

    @property
    def no_door(self) -> bool:
        """The good message met no receiver at all: a wrong path, a wrong method, a redirect."""
        statuses = self.statuses("good")
        return bool(statuses) and all(status in DOORS for status in statuses)


DOORS = {301, 302, 303, 307, 308, 404, 405, None}
CRASHING_FORGED = ("tampered", "other-secret", "borrowed-signature")

When = Callable[[Seen], bool]


class Pattern(msgspec.Struct, frozen=True):
    name: str
    when: When
    title: str
    advice: str
    evidence: str


def of(seen: Seen) -> list[Diagnosis]:
    """Every pattern that shows, in the order of the table."""
    return [
        Diagnosis(pattern.name, pattern.title, pattern.advice, pattern.evidence)
        for pattern in PATTERNS
        if pattern.when(seen)
    ]


def unexplained(seen: Seen) -> list[Diagnosis]:
    """What is left when no message signed in a mistaken way was accepted."""
    if seen.accepted("good"):
        return []
    if seen.crashed("good", "good-other-row", *CRASHING_FORGED):
        return [_ALWAYS_CRASHES]
    if seen.statuses("not-an-object", "not-json").isdisjoint(seen.statuses("other-secret", "tampered")):
        return [_PART_OF_THE_BODY]
    return [_ANOTHER_SECRET]


def _tells_errors_as_200(seen: Seen) -> bool:
    said = seen.words("other-secret")
    told = re.search(r"error|invalid|mismatch|forbidden|unauthori[sz]ed|not match|denied|fail", said, re.IGNORECASE)
    return seen.verifies_nothing and bool(told) and said != seen.words("good")


def _refuses_by_500(seen: Seen) -> bool:
    return seen.accepted("good") and seen.statuses(*CRASHING_FORGED) == {500}


def _only_missing_header_crashes(seen: Seen) -> bool:
    return seen.crashed("no-signature") and seen.refused(*CRASHING_FORGED)


def _some_text_refused(seen: Seen) -> bool:
    return seen.accepted("good") and not seen.accepted("multibyte") and seen.accepted("numbers", "white-space")


def _loses_bodies(seen: Seen) -> bool:
    return seen.accepted("good") and seen.not_accepted("slow")


def _decodes_pieces(seen: Seen) -> bool:
    return seen.accepted("good", "multibyte", "slow") and seen.not_accepted("split-letter")


def _stops_at_a_size(seen: Seen) -> bool:
    """413, or nothing else that could be wrong with a body that ends in spaces."""
    return 413 in seen.statuses("large") or (seen.accepted("good", "white-space") and seen.not_accepted("large"))


def _refuses_topics(seen: Seen) -> bool:
    topics = [result for result in seen.group(Group.GOOD) if result.case.name.startswith("topic-")]
    return seen.accepted("good") and any(not result.accepted for result in topics)


PATTERNS = (
    Pattern(
        "wrong-place",
        lambda seen: seen.no_door and seen.statuses("good") != {None},
        "There is no receiver at this address, or it takes no POST",
        "Give the whole URL with its path, slash at the end or not as your route has it, and allow POST.",
        "the good message was answered 404, 405 or a redirect",
    ),
    Pattern(
        "no-answer",
        lambda seen: seen.statuses("good") == {None},
        "It takes the connection and answers nothing",
        "Read Content-Length bytes, not until the end of the stream; answer before you do the work.",
        "the good message got no answer",
    ),
    Pattern(
        "errors-told-as-200",
        _tells_errors_as_200,
        "It tells errors with status 200",
        'Answer 401 or 403: the status is all that a sender reads. In Flask: return "Error", 403.',
        "forged messages were answered 200 with an error text",
    ),
    Pattern(
        "nothing-verified",
        lambda seen: seen.verifies_nothing and not _tells_errors_as_200(seen),
        "It verifies nothing",
        "Compute the HMAC of the raw body with your secret, compare it with X-Hub-Signature, refuse what differs.",
        "tampered, wrongly signed and unsigned messages were accepted",
    ),
    Pattern(
        "skipped-when-missing",
        lambda seen: (
            (seen.accepted("no-signature") or seen.accepted("empty-signature")) and seen.not_accepted("other-secret")
        ),
        "It skips the check when there is no signature",
        "Refuse a message without signature.",
        "messages without signature were accepted, wrongly signed ones were not",
    ),
    Pattern(
        "beginning-compared",
        lambda seen: (
            (seen.accepted("half-a-signature") or seen.accepted("nothing-behind-the-prefix"))
            and seen.not_accepted("zeros")
        ),
        "It compares only the beginning of the signature",
        "Compare the whole of both, with hmac.compare_digest or timingSafeEqual.",
        "a part of a valid signature was accepted, zeros were not",
    ),
    Pattern(
        "shape-compared",
        lambda seen: seen.accepted("zeros") and seen.not_accepted("half-a-signature"),
        "It looks at the shape of the signature and not at its digits",
        "Compute the HMAC of the raw body with your secret and compare it with what came.",
        "a signature of zeros was accepted, a shorter one was not",
    ),
    Pattern(
        "empty-secret-accepted",
        lambda seen: seen.accepted("good", "empty-secret") and not seen.verifies_nothing,
        "It also accepts messages that are signed with an empty secret",
        "Leave no way back to an empty secret.",
        "a message signed with an empty secret was accepted beside the good ones",
    ),
    Pattern(
        "algorithm-of-the-sender",
        lambda seen: seen.accepted("unknown-algorithm") and seen.not_accepted("other-secret"),
        "It lets the sender choose the algorithm, and `none` is one",
        "Check the algorithm that you expect, whatever the header says.",
        "a signature that calls itself `none` was accepted",
    ),
    Pattern(
        "body-not-signed",
        lambda seen: seen.accepted("good", "tampered", "borrowed-signature") and seen.not_accepted("other-secret"),
        "What it signs is not the body",
        "Sign the raw body.",
        "signatures of other bodies were accepted, those of another secret were not",
    ),
    Pattern(
        "refuses-by-500",
        _refuses_by_500,
        "It refuses with status 500",
        'Answer 401 or 403. The documentation\'s own sample returns ("Error", 500, 200), which Flask cannot send and '
        "turns into a 500 of its own; its later version returns 500. Senders repeat what is answered so.",
        "each forged message was answered 500",
    ),
    Pattern(
        "header-taken-for-granted",
        _only_missing_header_crashes,
        "It crashes when the signature header is missing",
        "Use request.headers.get(…), and refuse when it is None.",
        "the unsigned message crashed it, the wrongly signed ones were refused",
    ),
    Pattern(
        "signature-not-ascii",
        lambda seen: seen.crashed("signature-not-ascii") and seen.refused(*CRASHING_FORGED),
        "It compares texts, and crashes when one is not ASCII",
        "Compare bytes: hmac.compare_digest(expected.encode(), got.encode()).",
        "a signature with a letter beyond ASCII crashed it",
    ),
    Pattern(
        "text-decoded",
        _some_text_refused,
        "It decodes the body before it signs it",
        "Sign the bytes as they came.",
        "texts beyond ASCII were refused, the same JSON otherwise spelled was accepted",
    ),
    Pattern(
        "read-once",
        _loses_bodies,
        "It reads only the first piece of the body",
        "Read until Content-Length bytes are there.",
        "a message that came in pieces was not accepted",
    ),
    Pattern(
        "pieces-decoded",
        _decodes_pieces,
        "It decodes each piece of the body by itself",
        "Collect bytes and decode the whole, if at all: Buffer.concat(chunks) instead of body += chunk.",
        "a message whose letters were cut between two pieces was not accepted",
    ),
    Pattern(
        "body-limit",
        _stops_at_a_size,
        "It stops at bodies of some size",
        "Raise the limit: express.raw({limit: '20mb'}), client_max_body_size in nginx, DATA_UPLOAD_MAX_MEMORY_SIZE in "
        "Django.",
        "a good message of 256 KiB was not accepted",
    ),
    Pattern(
        "id-before-check",
        lambda seen: seen.accepted("good") and seen.not_accepted("good-after-forged"),
        "It remembers delivery ids before it has verified the message",
        "Verify first, then remember the id.",
        "a good message was refused after a forged one with its id",
    ),
    Pattern(
        "duplicates-refused",
        lambda seen: seen.accepted("good") and seen.not_accepted("duplicate"),
        "It refuses a message that it has already",
        "Answer 2xx: to the sender a refusal means that you do not have it.",
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
        lambda seen: bool(seen.results) and seen.accepted("good") and seen.statuses("good-at-the-end") == {None},
        "It no longer answers at the end",
        "Look into its log for the first message after which it was silent.",
        "the first message was accepted, the last got no answer",
    ),
)

_ALWAYS_CRASHES = Diagnosis(
    "always-crashes",
    "It crashes on every message, or refuses them all with 500",
    "Look into its log. A text where hmac.new wants bytes is the usual reason (hmac.new(secret.encode(), …)); if there "
    "is no exception, it has another secret.",
    "good and forged messages were all answered 5xx, and no mistaken signature was accepted",
)
_ANOTHER_SECRET = Diagnosis(
    "another-secret",
    "It has another secret",
    "Compare the secret of your receiver with the one given here; the usual mistakes in signing were all tried.",
    "good messages were refused, and no mistaken signature was accepted",
)

_PART_OF_THE_BODY = Diagnosis(
    "part-of-the-body",
    "It reads only a part of the body",
    "Read until Content-Length bytes are there; one read of a socket gives what its buffer holds.",
    "signed messages of a few bytes were verified, those of a few thousand were not",
)

EVERY = (*PATTERNS, _ALWAYS_CRASHES, _ANOTHER_SECRET, _PART_OF_THE_BODY)
"""All that can be guessed."""
EXPLAINED_BY_PROOF = {"text-decoded", "body-not-signed"}
"""Guesses that a proven mistake in signing makes superfluous."""
