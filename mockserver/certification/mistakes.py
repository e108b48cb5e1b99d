"""Common mistakes in computing a webhook's signature.

Each is a function to sign with. A receiver that accepts a message signed in a mistaken way makes that mistake; there is
no other explanation, since a wrong HMAC never matches by accident.
"""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.certification.mistaken_contents import CONTENTS
from mockserver.certification.mistaken_secrets import SECRETS
from mockserver.certification.mistaken_spellings import SPELLINGS
from mockserver.certification.signing import Mistake

SINGLE = (*CONTENTS, *SPELLINGS, *SECRETS)


def list_pairs() -> Iterator[tuple[Mistake, Mistake]]:
    """Lists pairs of mistakes of different kinds, the likelier pairs first."""
    for first, second in ((SPELLINGS, CONTENTS), (SPELLINGS, SECRETS), (CONTENTS, SECRETS)):
        yield from ((one, other) for one in first for other in second)
