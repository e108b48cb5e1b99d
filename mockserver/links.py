"""Paths and signatures of every file URL that the server gives to clients, and their check.

The shape is that of a signed storage URL as seen in exports: `?Expires=…&KeyName=…&Signature=…`. The host in
front is decided at the edge. The key of a link says when it expires, and in which unit (observed 2023-08 to 2026-07).
The arithmetic of signatures is our own (inferred). With a stopped clock the links are the same again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec

from mockserver.digits import parse_digits
from mockserver.errors import LinkExpired, LinkRefused

DAY = 86_400_000_000
"""Microseconds."""


class AssetKey(msgspec.Struct, frozen=True):
    """The key that signed a link of a file: it decides the unit of `Expires` and how long the link is valid."""

    name: str
    unit: int
    """Microseconds in one of `Expires`."""
    days: int
    row_by_row: bool
    """Whether rows were signed one after another, which is visible in their milliseconds."""

    def expires(self, now: int, row: int) -> int:
        """Returns when the link of the data row with number `row` expires, in microseconds UTC."""
        return now + self.days * DAY + (row * 1000 if self.row_by_row else 0)


FIRST_KEY = AssetKey("labelbox-assets-key-3", 1000, 1, row_by_row=True)
"""A day after the row was written, in milliseconds; 53 rows took 60 (observed 2023-08 to 2025-08)."""
SECOND_KEY = AssetKey("labelbox-assets-key-20251022", 1_000_000, 5, row_by_row=False)
"""Five days after the export, in seconds (observed 2026-07)."""
_KEYS = {key.name: key for key in (FIRST_KEY, SECOND_KEY)}
_MILLISECOND = 1000

RESULT_DAYS = 14
"""Export files live 14 days (sample: two signed V1 result URLs)."""
LEGACY_KEY = msgspec.structs.replace(FIRST_KEY, days=RESULT_DAYS, row_by_row=False)
"""The key of the files that Export V1 links to: they are valid as long as its own, and all links of an export expire
together."""
TOKEN_DAYS = 30
"""Mask tokens live 30 days (sample: six tokens in V1 exports)."""


_UNQUOTED = "!*'()"
"""Characters that a URI component keeps beside letters, digits and `-_.~` (ECMAScript; observed 2025-08, 2026-07)."""
_PLAIN = re.compile("[A-Za-z0-9_-][A-Za-z0-9._-]*").fullmatch
"""A name that needs no other spelling in a path."""


class Bewit(msgspec.Struct, frozen=True):
    """The signed part of a link to a project's issues: the workspace's slug, the expiry in seconds, the signature."""

    workspace: str
    expires: int
    mac: str


def parse_bewit(text: str) -> Bewit:
    """Parses the bewit of a link to issues. Raises LinkRefused."""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)).decode("ascii")
    except ValueError:  # of either codec
        raw = ""
    match = re.fullmatch(r"([^\\]+)\\([0-9]{1,12})\\([^\\]+)\\", raw)
    if match is None:
        raise LinkRefused("This link has no readable bewit; use the URL exactly as issueExportUrl gave it")
    return Bewit(match[1], int(match[2]), match[3])


class Links(msgspec.Struct, frozen=True):
    """The links of one workspace. `workspace` is its public slug, never the API key."""

    workspace: str
    mac: hashlib.blake2b
    """Keyed BLAKE2 is a MAC and takes a fifth of the time of HMAC; an export signs every row with a copy."""

    @classmethod
    def from_name(cls, name: str, seed: int) -> Links:
        """Creates links with the same bytes every time, for files that no server serves: anybody could sign them."""
        return cls._derive(name.encode(), f"{seed}/{name}".encode())

    @classmethod
    def from_secret(cls, secret: str) -> Links:
        """Creates links that nobody can sign without the workspace's secret. Their slug is a hash of the secret."""
        return cls._derive(secret.encode(), secret.encode())

    @classmethod
    def _derive(cls, name: bytes, secret: bytes) -> Links:
        slug = hashlib.blake2b(name, digest_size=8, person=b"workspace").hexdigest()
        key = hashlib.blake2b(secret, digest_size=32, person=b"links").digest()
        return cls(slug, hashlib.blake2b(key=key, digest_size=16))

    def asset(self, data_row_id: str, name: str, *, expires: int, key: AssetKey = FIRST_KEY) -> str:
        """Path and query of a data row's own file."""
        return self._file("assets", data_row_id, name, expires, key)

    def attachment(self, attachment_id: str, name: str, *, expires: int, key: AssetKey = FIRST_KEY) -> str:
        """Path and query of an attachment's own file."""
        return self._file("attachments", attachment_id, name, expires, key)

    def _file(self, kind: str, record_id: str, name: str, expires: int, key: AssetKey) -> str:
        path = f"/_files/{self.workspace}/{kind}/{record_id}/{_quote_name(name, record_id)}"
        end = str(expires // key.unit)
        return (
            f"{path}?Expires={end}&KeyName={key.name}&Signature={self._signature(path, _signature_end(end, key.name))}"
        )

    def signer(self, kind: str, key: AssetKey, now: int) -> Callable[[str, str, int], str]:
        """Returns a function of (id, name, number of the data row) that returns path and query of one file of a kind,
        `assets` or `attachments`, for an export at the time `now`. An export signs every row, so the parts that all
        links share are computed once."""
        start, key_part = f"/_files/{self.workspace}/{kind}/", f"&KeyName={key.name}&Signature="
        begun = self.mac.copy()
        begun.update(start.encode())
        same = str(key.expires(now, 0) // key.unit)
        query, end_part = f"?Expires={same}{key_part}", _signature_end(same, key.name)

        def sign(record_id: str, name: str, _row: int) -> str:
            path = f"{record_id}/{name if _PLAIN(name) else _quote_name(name, record_id)}"
            mac = begun.copy()
            mac.update(f"{path}{end_part}".encode())
            return f"{start}{path}{query}{mac.hexdigest()}"

        def sign_row_by_row(record_id: str, name: str, row: int) -> str:
            path = f"{record_id}/{name if _PLAIN(name) else _quote_name(name, record_id)}"
            end = str(key.expires(now, row) // key.unit)
            mac = begun.copy()
            mac.update(f"{path}{_signature_end(end, key.name)}".encode())
            return f"{start}{path}?Expires={end}{key_part}{mac.hexdigest()}"

        return sign_row_by_row if key.row_by_row else sign

    def tiles(self, data_row_id: str, *, expires: int) -> str:
        """Path and query of a map's tiles. The part in front of `{z}/{x}/{y}` is signed; clients fill in the rest."""
        path, _, query = self.sign(f"tiles/{data_row_id}", expires).partition("?")
        return f"{path}/{{z}}/{{x}}/{{y}}.png?{query}"

    def result(self, task_id: str, stream: str, file: str, *, expires: int) -> str:
        """Path and query of one result file of an export task."""
        return self.sign(f"results/{task_id}/{stream}/{file}", expires)

    def upload(self, upload_id: str, name: str, *, expires: int) -> str:
        """Path and query of a file that a client has uploaded."""
        return self.sign(f"uploads/{upload_id}/{_quote_name(name, upload_id)}", expires)

    def import_result(self, task_id: str, *, expires: int) -> str:
        """Path and query of the result of an import of data rows."""
        return self.sign(f"imports/{task_id}/result.json", expires)

    def frames(self, label_id: str, *, expires: int) -> str:
        """Path and query of the annotations of a video or DICOM label, which the frames endpoint sends clients to."""
        return self.sign(f"frames/{label_id}.ndjson", expires)

    def mask_token(self, user_id: str, organization_id: str, *, now: int) -> str:
        """The JSON Web Token of `/masks/feature/{id}?token=…`, HS256, its four claims as in the sample."""
        issued = now // 1_000_000
        claims = {"userId": user_id, "organizationId": organization_id, "iat": issued}
        signed = f"{_TOKEN_HEAD}.{_segment({**claims, 'exp': issued + TOKEN_DAYS * DAY // 1_000_000})}"
        return f"{signed}.{self._token_signature(signed)}"

    def check_mask_token(self, token: str, *, now: int) -> None:
        """Raises LinkRefused unless this workspace signed the token and it has not expired."""
        if not self.has_signed(token):
            raise LinkRefused("This mask's token was changed; use the URL exactly as the export gave it")
        claims = token.split(".")[1]
        expires: int = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]
        if expires * 1_000_000 <= now:
            raise LinkRefused("This mask's token has expired; export again to get a fresh one")

    def api_key(self, claims: dict[str, object]) -> str:
        """A JSON Web Token that is an API key: HS256, with `workspace` beside the claims, so that it names its
        workspace."""
        signed = f"{_TOKEN_HEAD}.{_segment({**claims, WORKSPACE_CLAIM: self.workspace})}"
        return f"{signed}.{self._token_signature(signed, _KEYS_PURPOSE)}"

    def has_signed_key(self, api_key: str) -> bool:
        """Whether this workspace signed the API key, which may have expired or been revoked."""
        signed, _, signature = api_key.rpartition(".")
        expected = self._token_signature(signed, _KEYS_PURPOSE)
        return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))

    def has_signed(self, token: str) -> bool:
        """Whether this workspace signed the token, expired or not."""
        signed, _, signature = token.rpartition(".")
        return hmac.compare_digest(self._token_signature(signed).encode(), signature.encode("utf-8", "replace"))

    def _token_signature(self, signed: str, purpose: bytes = b"tokens") -> str:
        mac = self.mac.copy()
        mac.update(purpose)
        return _base64(hmac.digest(mac.digest(), signed.encode("utf-8", "replace"), "sha256"))

    def issues(self, project_id: str, status: str | None, *, expires: int) -> str:
        """Path and query of the issues of a project: `?status=…&bewit=…` (tests of 2021-04), `expires` in microseconds.

        `bewit` is `id\\expiry\\mac\\` in base64url, the expiry in seconds, as a Hawk bewit is; the id is the slug.
        """
        seconds = expires // 1_000_000
        bewit = _base64(f"{self.workspace}\\{seconds}\\{self._issues_mac(project_id, status, seconds)}\\".encode())
        query = "" if status is None else f"status={status}&"
        return f"/v1/project/{project_id}/issues?{query}bewit={bewit}"

    def check_bewit(self, bewit: Bewit, project_id: str, status: str | None, *, now: int) -> None:
        """Raises LinkRefused unless this workspace signed the bewit for these issues and it has not expired."""
        expected = self._issues_mac(project_id, status, bewit.expires)
        if not hmac.compare_digest(expected.encode(), bewit.mac.encode("utf-8", "replace")):
            raise LinkRefused("This link to issues was changed; use the URL exactly as issueExportUrl gave it")
        if bewit.expires * 1_000_000 <= now:
            raise LinkExpired("This link has expired; query issueExportUrl again to get a fresh one")

    def _issues_mac(self, project_id: str, status: str | None, seconds: int) -> str:
        mac = self.mac.copy()
        mac.update(f"issues/{project_id}/{status or ''}?{seconds}".encode(errors="replace"))
        return base64.b64encode(mac.digest()).decode()

    def sign(self, path: str, expires: int) -> str:
        """`/_files/{workspace}/{path}?Expires=…&Signature=…`; `expires` in microseconds, on the wire milliseconds."""
        full, end = f"/_files/{self.workspace}/{path}", str(expires // _MILLISECOND)
        return f"{full}?Expires={end}&Signature={self._signature(full, _signature_end(end, ''))}"

    def _signature(self, path: str, end: str) -> str:
        mac = self.mac.copy()
        mac.update(f"{path}{end}".encode(errors="replace"))
        return mac.hexdigest()

    def check(self, path: str, expires: str, signature: str, *, now: int, key_name: str = "") -> None:
        """Raises LinkRefused unless this workspace signed the path and the link has not expired."""
        end = parse_digits(expires, 16)
        if end is None:
            raise LinkRefused("This link has no readable Expires; use the URL exactly as the server gave it")
        if key_name and key_name not in _KEYS:
            raise LinkRefused("This link names an unknown key; use the URL exactly as the server gave it")
        wanted = self._signature(path, _signature_end(str(end), key_name))
        if not hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace")):
            raise LinkRefused("SignatureDoesNotMatch: this link was changed; use the URL exactly as the server gave it")
        unit = _KEYS[key_name].unit if key_name else _MILLISECOND
        if end * unit <= now:
            raise LinkExpired("ExpiredToken: this link has expired; export again to get a fresh one")


def _signature_end(expires: str, key_name: str) -> str:
    """The signed text after the path: the expiry, and one letter of the key, so that all fits one block of BLAKE2."""
    return f"?{expires}.{key_name[-1:]}"


def _quote_name(name: str, otherwise: str) -> str:
    """Quotes a file's name as a part of a path; `.` and `..` are replaced, because clients remove them."""
    quoted_name = quote(name, safe=_UNQUOTED)
    return otherwise if quoted_name in {".", ".."} else quoted_name


def _segment(document: dict[str, object]) -> str:
    return _base64(json.dumps(document, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


_TOKEN_HEAD = _segment({"alg": "HS256", "typ": "JWT"})
_KEYS_PURPOSE = b"keys"
WORKSPACE_CLAIM = "workspace"
"""The claim with the slug of the workspace in an API key; keys of the service do not have it."""


def parse_api_key(api_key: str) -> dict[str, Any] | None:
    """The claims of an API key that some workspace has created, unchecked; None for any other key."""
    parts = api_key.split(".")
    if len(parts) != 3 or parts[0] != _TOKEN_HEAD:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) and isinstance(claims.get(WORKSPACE_CLAIM), str) else None


def good_until(now: int, days: int) -> int:
    """Returns when a link that is valid for this many whole days expires, in microseconds UTC."""
    return now + days * DAY
