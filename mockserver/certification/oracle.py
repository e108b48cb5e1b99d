"""What a receiver does wrong, by name: by the pattern of its answers, and by messages signed in mistaken ways.

A pattern is a guess, and says so. A message that is signed as one mistake would have it, and is accepted, is a proof.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from mockserver.certification import patterns
from mockserver.certification.bench import Bench, respelled
from mockserver.certification.cases import Group
from mockserver.certification.good import LINE_SEPARATORS, MULTIBYTE
from mockserver.certification.judge import Result
from mockserver.certification.mistakes import SHA1, SHA256, SINGLE, Mistake, Signatures, pairs, signatures
from mockserver.certification.patterns import Diagnosis, Seen
from mockserver.certification.wire import Answer, NotReached
from mockserver.webhooks.misbehaviour import Shot, with_header

PROBE_SECONDS = 15.0
"""How long probes may go on. Against a receiver nearby all of them take three seconds."""

Fire = Callable[[Sequence[Shot]], list[Answer]]


def diagnose(results: Sequence[Result], bench: Bench, fire: Fire) -> list[Diagnosis]:
    """The likely mistakes, proven ones first; none for a receiver that has shown none."""
    seen = Seen(results)
    guessed = patterns.of(seen)
    if not worth_probing(seen):
        return guessed
    proven = probed(bench, fire)
    if proven:
        return [*proven, *(guess for guess in guessed if guess.name not in patterns.EXPLAINED_BY_PROOF)]
    return [*guessed, *patterns.unexplained(seen)]


def worth_probing(seen: Seen) -> bool:
    """Something good was refused, or something else than the bytes seems to be signed, and a door was found at all."""
    if seen.verifies_nothing or seen.no_door or seen.accepted("zeros"):
        return False
    spelling = [result for result in seen.results if result.case.group is Group.SPELLING and result.answers]
    return not seen.accepted("good") or not all(r.accepted for r in spelling) or seen.accepted("space-added")


def probed(bench: Bench, fire: Fire) -> list[Diagnosis]:
    """The mistakes whose messages are accepted: one by one, then two at once."""
    body = probing_body(bench)
    deadline = time.monotonic() + PROBE_SECONDS
    try:
        for attempts in (((mistake,) for mistake in SINGLE), pairs()):
            for made in attempts:
                if time.monotonic() > deadline:
                    return []
                if _accepted(body, made, bench, fire):
                    return [_proven(mistake) for mistake in made]
    except NotReached:
        pass  # it went away: the patterns tell so
    return []


def probing_body(bench: Bench) -> bytes:
    """A body on which no two mistakes come to the same bytes."""
    text = f"{MULTIBYTE} {LINE_SEPARATORS} <b>&amp;</b> 'single' \"double\""
    return b"{ " + respelled(bench.saying(text)).removeprefix(b"{") + b"\n"


def _accepted(body: bytes, made: tuple[Mistake, ...], bench: Bench, fire: Fire) -> bool:
    headers = signatures(body, bench.secret, *made)
    return headers is not None and fire([carrying(bench, body, headers)])[0].accepted


def carrying(bench: Bench, body: bytes, headers: Signatures) -> Shot:
    """A message under these signatures."""
    sent = bench.good(body)
    return with_header(with_header(sent, SHA1, headers[SHA1]), SHA256, headers[SHA256])


def _proven(mistake: Mistake) -> Diagnosis:
    evidence = "a message signed in exactly this way was accepted"
    return Diagnosis(mistake.name, mistake.title, mistake.advice, evidence, proven=True)
