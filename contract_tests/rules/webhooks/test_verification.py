"""Whether a message is genuine, as `webhook listen` finds out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.webhooks.messages import build_headers
from mockserver.webhooks.verification import Finding, verify


def build_lower_headers(body: bytes, secret: str) -> dict[str, str]:
    return {name.lower(): value for name, value in build_headers("c1", "T", body, secret=secret).items()}


@given(st.binary(), st.text(), st.text())
def test_only_the_secret_that_signed_verifies(body: bytes, secret: str, other: str) -> None:
    headers = build_lower_headers(body, secret)
    assert verify(headers, body, secret=secret).genuine
    same = secret.rstrip("\0") == other.rstrip("\0")  # HMAC fills keys up with zeros
    assert verify(headers, body, secret=other).genuine == same or len(secret.encode()) > 64 or len(other.encode()) > 64


@pytest.mark.parametrize("name", ["x-hub-signature", "x-hub-signature-256"])
@pytest.mark.parametrize(
    ("value", "finding", "genuine"),
    [(None, Finding.MISSING, True), ("", Finding.WRONG, False), ("größe", Finding.WRONG, False)],
)
def test_one_right_signature_is_enough_and_one_wrong_too_much(
    name: str, value: str | None, finding: Finding, genuine: bool
) -> None:
    headers = build_lower_headers(b"{}", "s")
    del headers[name]
    verification = verify(headers | ({} if value is None else {name: value}), b"{}", secret="s")
    assert finding in {verification.sha1, verification.sha256}
    assert verification.genuine is genuine


def test_no_signature_is_not_genuine() -> None:
    assert not verify({}, b"", secret="s").genuine
