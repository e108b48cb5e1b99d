"""Signed links: one changed byte breaks them, and they end when they say."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import LinkRefused
from mockserver.links import DAY, FIRST_KEY, SECOND_KEY, TOKEN_DAYS, AssetKey, Links, good_until

LINKS = Links.from_name("mock-api-key", 0)
NAME = st.text(min_size=1, max_size=20)


KEYS = pytest.mark.parametrize("key", [FIRST_KEY, SECOND_KEY], ids=lambda key: str(key.name))


def parts(url: str) -> tuple[str, str, str]:
    """Path, end and signature."""
    path, _, query = url.partition("?")
    parameters = dict(part.split("=") for part in query.split("&"))
    return path, parameters["Expires"], parameters["Signature"]


def check(url: str, *, now: int) -> None:
    LINKS.check(*parts(url), now=now, key_name=url.partition("KeyName=")[2].partition("&")[0])


@pytest.mark.known("sample")
@KEYS
@given(name=NAME)
def test_a_link_is_ascii_opens_until_its_end_and_not_after(key: AssetKey, name: str) -> None:
    end = 5 * key.unit
    url = LINKS.asset("row", name, expires=end, key=key)
    assert url.isascii()
    check(url, now=end - 1)
    with pytest.raises(LinkRefused, match="has expired"):
        check(url, now=end)


@pytest.mark.known("sample")
@KEYS
def test_the_query_of_a_link_is_in_the_order_of_the_samples(key: AssetKey) -> None:
    end = key.expires(1_754_079_265_700_000, 56)
    query = LINKS.asset("row", "photo 1.jpg", expires=end, key=key).partition("?")[2]
    expires = {"labelbox-assets-key-3": "1754165665756", "labelbox-assets-key-20251022": "1754511265"}[key.name]
    assert query.startswith(f"Expires={expires}&KeyName={key.name}&Signature=")


@given(NAME, st.integers(0, 10_000), st.characters())
def test_a_changed_character_anywhere_is_refused(name: str, place: int, other: str) -> None:
    url = LINKS.asset("row", name, expires=10**15)
    pieces = [*parts(url), FIRST_KEY.name]
    which, rest = place % 4, place // 4
    at = rest % len(pieces[which])
    changed = pieces[which][:at] + other + pieces[which][at + 1 :]
    if changed != pieces[which]:
        pieces[which] = changed
        path, expires, signature, key_name = pieces
        with pytest.raises(LinkRefused):
            LINKS.check(path, expires, signature, now=0, key_name=key_name)


@pytest.mark.parametrize(("key", "seed"), [("another", 0), ("mock-api-key", 1), ("Mock-api-key", 0)])
def test_another_key_or_seed_does_not_open_it(key: str, seed: int) -> None:
    url = LINKS.result("task", "RESULT", "0.ndjson", expires=10**15)
    with pytest.raises(LinkRefused):
        Links.from_name(key, seed).check(*parts(url), now=0)


def test_a_link_does_not_contain_the_key() -> None:
    assert "mock-api-key" not in LINKS.result("task", "RESULT", "0.ndjson", expires=10**15)


def test_the_same_key_and_seed_sign_alike_after_a_restart() -> None:
    again = Links.from_name("mock-api-key", 0)
    assert again.asset("row", "a.png", expires=10**15) == LINKS.asset("row", "a.png", expires=10**15)


@given(st.integers(0, 2**52), st.integers(0, 60))
def test_a_link_lives_as_long_as_promised_to_the_microsecond(now: int, days: int) -> None:
    assert good_until(now, days) - now == days * DAY


@pytest.mark.known("sample")
@given(st.integers(0, 2**52), st.integers(1, 10**6))
def test_rows_were_signed_one_after_another_until_they_had_one_end(now: int, row: int) -> None:
    assert FIRST_KEY.expires(now, row) - now == DAY + row * 1000
    assert SECOND_KEY.expires(now, row) - now == 5 * DAY


@pytest.mark.known("sample")
@pytest.mark.parametrize(
    ("name", "name_in_path"),
    [
        ("photo (1).jpg", "photo%20(1).jpg"),
        ("a!b*c'd-e_f.g~h", "a!b*c'd-e_f.g~h"),
        ("50%&=+#?.png", "50%25%26%3D%2B%23%3F.png"),
    ],
)
def test_a_file_name_is_written_as_a_component_of_a_uri(name: str, name_in_path: str) -> None:
    assert parts(LINKS.asset("row", name, expires=10**15))[0].rsplit("/", 1)[1] == name_in_path


@pytest.mark.parametrize("name", ["a/b.png", "..", ".", "a?b", "a#b", "a%2fb", "שלום.png", "🙂", " ", "\u2028"])
def test_any_file_name_is_one_part_of_the_path(name: str) -> None:
    path, _, _ = parts(LINKS.asset("row", name, expires=10**15))
    assert path.count("/") == 5
    assert path.rsplit("/", 1)[1] not in {".", ".."}


# Tokens of masks


@pytest.mark.known("sample")
def test_a_mask_token_is_a_json_web_token_of_thirty_days() -> None:
    head, claims, signature = LINKS.mask_token("user", "organization", now=DAY + 5_000_000).split(".")
    assert decode_segment(head) == {"alg": "HS256", "typ": "JWT"}
    now = (DAY + 5_000_000) // 1_000_000
    end = now + 30 * DAY // 1_000_000
    assert decode_segment(claims) == {"userId": "user", "organizationId": "organization", "iat": now, "exp": end}
    assert len(base64.urlsafe_b64decode(signature + "=")) == 32


def decode_segment(segment: str) -> object:
    return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


@given(st.integers(0, 10_000), st.characters())
def test_a_token_with_another_character_is_nobodys(place: int, other: str) -> None:
    token = LINKS.mask_token("user", "organization", now=0)
    at = place % len(token)
    changed = token[:at] + other + token[at + 1 :]
    if changed != token:
        assert not LINKS.has_signed(changed)
        with pytest.raises(LinkRefused, match="was changed"):
            LINKS.check_mask_token(changed, now=0)


def test_a_token_ends_and_is_of_its_workspace_only() -> None:
    token = LINKS.mask_token("user", "organization", now=0)
    LINKS.check_mask_token(token, now=TOKEN_DAYS * DAY - 1)
    with pytest.raises(LinkRefused, match="expired"):
        LINKS.check_mask_token(token, now=TOKEN_DAYS * DAY)
    assert not Links.from_name("another-key", 0).has_signed(token)


def test_the_link_of_a_maps_tiles_is_signed_up_to_their_place() -> None:
    path, expires, signature = parts(LINKS.tiles("row", expires=5000))
    prefix, place = path.split("/{z}")
    assert place == "/{x}/{y}.png"
    LINKS.check(prefix, expires, signature, now=0)
    with pytest.raises(LinkRefused):
        LINKS.check(path, expires, signature, now=0)


@given(NAME)
def test_an_attachments_link_is_not_that_of_a_data_row(name: str) -> None:
    attachment, row = LINKS.attachment("one", name, expires=5000), LINKS.asset("one", name, expires=5000)
    assert parts(attachment)[2] != parts(row)[2]
    check(attachment, now=0)
