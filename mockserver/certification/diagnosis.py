"""Diagnoses the mistakes of a receiver: from patterns in its answers, and with messages signed in mistaken ways.

A pattern is a guess, and says so. A message that is signed with one mistake, and is accepted, is a proof.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from mockserver.certification import patterns
from mockserver.certification.cases import Group
from mockserver.certification.client import Answer, NotReached
from mockserver.certification.factory import MessageFactory, respell_numbers
from mockserver.certification.good import LINE_SEPARATORS, MULTIBYTE
from mockserver.certification.judge import Result
from mockserver.certification.mistakes import SINGLE, list_pairs
from mockserver.certification.observations import Observations
from mockserver.certification.patterns import Diagnosis
from mockserver.certification.signing import SHA1, SHA256, Mistake, Signatures, sign
from mockserver.webhooks.exchange import Request
from mockserver.webhooks.misbehaviour import with_header

PROBE_SECONDS = 15.0
"""The time limit of all probes. Against a receiver on the same machine they take a few seconds."""

Send = Callable[[Sequence[Request]], list[Answer]]


def diagnose(results: Sequence[Result], factory: MessageFactory, send: Send) -> list[Diagnosis]:
    """Lists the likely mistakes, proven ones first; an empty list for a receiver that has shown none."""
    observations = Observations(results)
    guesses = patterns.match_patterns(observations)
    if not needs_probes(observations):
        return guesses
    proofs = probe(factory, send)
    if proofs:
        return [*proofs, *(guess for guess in guesses if guess.name not in patterns.EXPLAINED_BY_PROOF)]
    return [*guesses, *patterns.explain_the_rest(observations)]


def needs_probes(observations: Observations) -> bool:
    """Whether the receiver refuses correct messages or seems to sign other bytes, and the address is right."""
    if observations.verifies_nothing or observations.wrong_address or observations.are_accepted("zeros"):
        return False
    spelling = [result for result in observations.results if result.case.group is Group.SPELLING and result.answers]
    return (
        not observations.are_accepted("good")
        or not all(r.accepted for r in spelling)
        or observations.are_accepted("space-added")
    )


def probe(factory: MessageFactory, send: Send) -> list[Diagnosis]:
    """Finds the mistakes whose messages are accepted: one by one, then two together."""
    body = build_probe_body(factory)
    deadline = time.monotonic() + PROBE_SECONDS
    try:
        for candidates in (((mistake,) for mistake in SINGLE), list_pairs()):
            for mistakes in candidates:
                if time.monotonic() > deadline:
                    return []
                if _is_accepted(body, mistakes, factory, send):
                    return [_build_proof(mistake) for mistake in mistakes]
    except NotReached:
        pass  # it has ended: the patterns say so
    return []


def build_probe_body(factory: MessageFactory) -> bytes:
    """A body for which no two mistakes sign the same bytes."""
    text = f"{MULTIBYTE} {LINE_SEPARATORS} <b>&amp;</b> 'single' \"double\""
    return b"{ " + respell_numbers(factory.body_with_text(text)).removeprefix(b"{") + b"\n"


def _is_accepted(body: bytes, mistakes: tuple[Mistake, ...], factory: MessageFactory, send: Send) -> bool:
    headers = sign(body, factory.secret, *mistakes)
    return headers is not None and send([build_signed_request(factory, body, headers)])[0].accepted


def build_signed_request(factory: MessageFactory, body: bytes, headers: Signatures) -> Request:
    """A message with these signatures."""
    request = factory.correct_request(body)
    return with_header(with_header(request, SHA1, headers[SHA1]), SHA256, headers[SHA256])


def _build_proof(mistake: Mistake) -> Diagnosis:
    evidence = "a message signed in exactly this way was accepted"
    return Diagnosis(mistake.name, mistake.title, mistake.advice, evidence, proven=True)
