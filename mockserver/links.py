"""Paths and signatures of every file URL the server hands out, and how they are checked.

The shape is that of a signed storage URL as seen in exports: `?Expires=…&KeyName=…&Signature=…`. Which host stands in
front is decided at the edge. How long a link lives, and in which unit it says so, goes by its key (observed 2023-08 to
2026-07); a stopped clock makes the same links again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from urllib.parse import quote

import msgspec

from mockserver.errors import LinkExpired, LinkRefused

DAY = 86_400_000_000
"""Microseconds."""


class AssetKey(msgspec.Struct, frozen=True):
    """What links of files say and how long they live: both went by the key that signed them."""

    name: str
    unit: int
    """Microseconds in one of `Expires`."""
    days: int
    row_by_row: bool
    """Whether rows were signed one after another, which shows in their milliseconds."""

    def expires(self, now: int, row: int) -> int:
        """When the link of the data row of that number ends, in microseconds UTC."""
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
"""Of the files that Export V1 links to: they live as long as its own, and all links of an export end together."""
TOKEN_DAYS = 30
"""Mask tokens live 30 days (sample: six tokens in V1 exports)."""


_AS_THEY_ARE = "!*'()"
"""Signs that a URI component keeps beside letters, digits and `-_.~` (ECMAScript; observed 2025-08, 2026-07)."""
_PLAIN = re.compile("[A-Za-z0-9_-][A-Za-z0-9._-]*").fullmatch
"""A name that needs no other spelling in a path."""


class Bewit(msgspec.Struct, frozen=True):
    """What the link to a project's issues carries: whose it is, until when in seconds, and its signature."""

    workspace: str
    expires: int
    mac: str


def read_bewit(text: str) -> Bewit:
    """Raises LinkRefused."""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)).decode("ascii")
    except ValueError:  # of either codec
        raw = ""
    found = re.fullmatch(r"([^\\]+)\\([0-9]{1,12})\\([^\\]+)\\", raw)
    if found is None:
        raise LinkRefused("This link has no readable bewit; use the URL exactly as issueExportUrl gave it")
    return Bewit(found[1], int(found[2]), found[3])


class Links(msgspec.Struct, frozen=True):
    """The links of one workspace. `workspace` is its public slug, never the API key."""

    workspace: str
    mac: hashlib.blake2b
    """Keyed BLAKE2 is a MAC of its own and takes a fifth of HMAC's time; an export signs every row with a copy."""

    @classmethod
    def of(cls, name: str, seed: int) -> Links:
        """Links that are the same bytes every time, for files that no server serves: anybody could sign them."""
        return cls._derived(name.encode(), f"{seed}/{name}".encode())

    @classmethod
    def of_secret(cls, secret: str) -> Links:
        """Links that only who knows the secret of the workspace could sign. They name it by a hash of the secret."""
        return cls._derived(secret.encode(), secret.encode())

    @classmethod
    def _derived(cls, name: bytes, secret: bytes) -> Links:
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
        path = f"/_files/{self.workspace}/{kind}/{record_id}/{_safe(name, record_id)}"
        end = str(expires // key.unit)
        return f"{path}?Expires={end}&KeyName={key.name}&Signature={self._signature(path, _signed_end(end, key.name))}"

    def signer(self, kind: str, key: AssetKey, now: int) -> Callable[[str, str, int], str]:
        """(id, name, number of the data row) -> path and query of many files of a kind, `assets` or `attachments`, of
        an export that is made now. An export signs every row, so what all have in common is done once."""
        before, named = f"/_files/{self.workspace}/{kind}/", f"&KeyName={key.name}&Signature="
        begun = self.mac.copy()
        begun.update(before.encode())
        same = str(key.expires(now, 0) // key.unit)
        asked, behind = f"?Expires={same}{named}", _signed_end(same, key.name)

        def signed(record_id: str, name: str, _row: int) -> str:
            path = f"{record_id}/{name if _PLAIN(name) else _safe(name, record_id)}"
            mac = begun.copy()
            mac.update(f"{path}{behind}".encode())
            return f"{before}{path}{asked}{mac.hexdigest()}"

        def signed_row_by_row(record_id: str, name: str, row: int) -> str:
            path = f"{record_id}/{name if _PLAIN(name) else _safe(name, record_id)}"
            end = str(key.expires(now, row) // key.unit)
            mac = begun.copy()
            mac.update(f"{path}{_signed_end(end, key.name)}".encode())
            return f"{before}{path}?Expires={end}{named}{mac.hexdigest()}"

        return signed_row_by_row if key.row_by_row else signed

    def tiles(self, data_row_id: str, *, expires: int) -> str:
        """Path and query of a map's tiles. What stands before `{z}/{x}/{y}` is signed; clients fill in the rest."""
        path, _, query = self.signed(f"tiles/{data_row_id}", expires).partition("?")
        return f"{path}/{{z}}/{{x}}/{{y}}.png?{query}"

    def result(self, task_id: str, stream: str, file: str, *, expires: int) -> str:
        """Path and query of one result file of an export task."""
        return self.signed(f"results/{task_id}/{stream}/{file}", expires)

    def frames(self, label_id: str, *, expires: int) -> str:
        """Path and query of the annotations of a video or DICOM label, which the frames endpoint sends clients to."""
        return self.signed(f"frames/{label_id}.ndjson", expires)

    def mask_token(self, user_id: str, organization_id: str, *, now: int) -> str:
        """The JSON Web Token of `/masks/feature/{id}?token=…`, HS256, its four claims as in the sample."""
        issued = now // 1_000_000
        claims = {"userId": user_id, "organizationId": organization_id, "iat": issued}
        head = _segment({"alg": "HS256", "typ": "JWT"})
        signed = f"{head}.{_segment({**claims, 'exp': issued + TOKEN_DAYS * DAY // 1_000_000})}"
        return f"{signed}.{self._token_signature(signed)}"

    def check_mask_token(self, token: str, *, now: int) -> None:
        """Raises LinkRefused unless this workspace made the token and its time is not over."""
        if not self.made_token(token):
            raise LinkRefused("This mask's token was changed; use the URL exactly as the export gave it")
        claims = token.split(".")[1]
        expires: int = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]
        if expires * 1_000_000 <= now:
            raise LinkRefused("This mask's token has expired; export again to get a fresh one")

    def made_token(self, token: str) -> bool:
        """Whether this workspace signed it, however long ago."""
        signed, _, signature = token.rpartition(".")
        return hmac.compare_digest(self._token_signature(signed).encode(), signature.encode("utf-8", "replace"))

    def _token_signature(self, signed: str) -> str:
        mac = self.mac.copy()
        mac.update(b"tokens")
        return _base64(hmac.digest(mac.digest(), signed.encode("utf-8", "replace"), "sha256"))

    def issues(self, project_id: str, status: str | None, *, expires: int) -> str:
        """Path and query of the issues of a project: `?status=…&bewit=…` (tests of 2021-04), `expires` in microseconds.

        `bewit` is `id\\expiry\\mac\\` in base64url, the expiry in seconds, as a Hawk bewit is; the id is our slug.
        """
        seconds = expires // 1_000_000
        bewit = _base64(f"{self.workspace}\\{seconds}\\{self._issues_mac(project_id, status, seconds)}\\".encode())
        asked = "" if status is None else f"status={status}&"
        return f"/v1/project/{project_id}/issues?{asked}bewit={bewit}"

    def check_bewit(self, bewit: Bewit, project_id: str, status: str | None, *, now: int) -> None:
        """Raises LinkRefused unless this workspace made it for these issues and its time is not over."""
        expected = self._issues_mac(project_id, status, bewit.expires)
        if not hmac.compare_digest(expected.encode(), bewit.mac.encode("utf-8", "replace")):
            raise LinkRefused("This link to issues was changed; use the URL exactly as issueExportUrl gave it")
        if bewit.expires * 1_000_000 <= now:
            raise LinkExpired("This link's time is over; ask for issueExportUrl again to get a fresh one")

    def _issues_mac(self, project_id: str, status: str | None, seconds: int) -> str:
        mac = self.mac.copy()
        mac.update(f"issues/{project_id}/{status or ''}?{seconds}".encode(errors="replace"))
        return base64.b64encode(mac.digest()).decode()

    def signed(self, path: str, expires: int) -> str:
        """`/_files/{workspace}/{path}?Expires=…&Signature=…`; `expires` in microseconds, on the wire milliseconds."""
        full, end = f"/_files/{self.workspace}/{path}", str(expires // _MILLISECOND)
        return f"{full}?Expires={end}&Signature={self._signature(full, _signed_end(end, ''))}"

    def _signature(self, path: str, end: str) -> str:
        mac = self.mac.copy()
        mac.update(f"{path}{end}".encode(errors="replace"))
        return mac.hexdigest()

    def check(self, path: str, expires: str, signature: str, *, now: int, key_name: str = "") -> None:
        """Raises LinkRefused unless this path was signed by this workspace and its time is not over."""
        if not expires.isascii() or not expires.isdigit() or len(expires) > 16:
            raise LinkRefused("This link has no readable Expires; use the URL exactly as the server gave it")
        if key_name and key_name not in _KEYS:
            raise LinkRefused("This link names a key that is not known; use the URL exactly as the server gave it")
        wanted = self._signature(path, _signed_end(str(int(expires)), key_name))
        if not hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace")):
            raise LinkRefused("SignatureDoesNotMatch: this link was changed; use the URL exactly as the server gave it")
        unit = _KEYS[key_name].unit if key_name else _MILLISECOND
        if int(expires) * unit <= now:
            raise LinkExpired("ExpiredToken: this link's time is over; export again to get a fresh one")


def _signed_end(expires: str, key_name: str) -> str:
    """What is signed behind the path: the end, and the key by a letter, so that it all fits one block of BLAKE2."""
    return f"?{expires}.{key_name[-1:]}"


def _safe(name: str, otherwise: str) -> str:
    """A file's name as a part of a path; clients normalise some away."""
    safe = quote(name, safe=_AS_THEY_ARE)
    return otherwise if safe in {".", ".."} else safe


def _segment(document: dict[str, object]) -> str:
    return _base64(json.dumps(document, separators=(",", ":")).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def good_until(now: int, days: int) -> int:
    """When a life of so many whole days ends, in microseconds UTC."""
    return now + days * DAY
