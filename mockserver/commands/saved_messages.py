"""Webhook messages in files: what `listen --save` writes, and `replay` and `verify` read."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from mockserver.conversion import convert
from mockserver.errors import StartupError
from mockserver.folders import write_atomically

EXAMPLE = "expected a file of `webhook listen --save`, or JSON with headers and a body"


class SavedMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message as it was received. `body_base64` has the bytes of a body that is not UTF-8, in place of `body`."""

    headers: list[tuple[str, str]]
    body: str | None = None
    body_base64: str | None = None
    received_at: float | None = None
    """Seconds since 1970, by the machine's clock."""
    path: str = "/"
    genuine: bool | None = None
    answered: int | None = None

    @property
    def content(self) -> bytes:
        """The bytes of the body."""
        return (
            base64.b64decode(self.body_base64, validate=True)
            if self.body_base64 is not None
            else (self.body or "").encode()
        )

    def header(self, name: str) -> str | None:
        """The value of a header, by its lower-case name."""
        return next((value for key, value in self.headers if key.lower() == name), None)


def spell_names(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Spells the names of headers as the service does, `X-Hub-Signature`: ASGI gives them in lower case."""
    return [("-".join(word.capitalize() for word in name.split("-")), value) for name, value in headers]


def encode_body(body: bytes) -> dict[str, str]:
    """The fields of a message that hold a body."""
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}


def save_message(folder: Path, number: int, message: SavedMessage) -> Path:
    """Writes a file whose name has the number, the topic and the delivery's id. Raises StartupError."""
    words = [f"{number:04}", message.header("x-labelbox-event") or "", message.header("x-labelbox-id") or ""]
    name = "-".join(re.sub(r"[^A-Za-z0-9_]", "", word)[:60] for word in words if word)
    path = folder / f"{name}.json"
    try:
        write_atomically(path, msgspec.json.format(msgspec.json.encode(message), indent=2) + b"\n", durable=False)
    except OSError as error:
        raise StartupError(f"{path} cannot be written: {error.strerror}; give a folder that can be written") from None
    return path


def load_messages(places: Iterable[Path]) -> list[SavedMessage]:
    """The messages of files and of folders, in the order of their names. Raises StartupError."""
    messages = [message for place in places for file in _list_files(place) for message in _load_file(file)]
    if not messages:
        raise StartupError(f"there are no messages; {EXAMPLE}")
    return messages


def _list_files(place: Path) -> Sequence[Path]:
    return sorted(place.glob("*.json")) if place.is_dir() else [place]


def _load_file(file: Path) -> list[SavedMessage]:
    """A saved message, a sample of `fixtures/webhooks`, or an answer of `mockserver deliveries --json`."""
    try:
        content = msgspec.json.decode(file.read_bytes())
    except OSError as error:
        raise StartupError(f"{file} cannot be read: {error.strerror}; {EXAMPLE}") from None
    except msgspec.DecodeError as error:
        raise StartupError(f"{file} is not JSON ({error}); {EXAMPLE}") from None
    items = content.get("deliveries", [content]) if isinstance(content, dict) else content
    return [_convert(item, file) for item in (items if isinstance(items, list) else [items])]


def _convert(item: Any, file: Path) -> SavedMessage:
    if isinstance(item, dict) and isinstance(item.get("headers"), dict):
        item = item | {"headers": list(item["headers"].items())}
    try:
        message = convert(item, SavedMessage)
        message.content  # noqa: B018  a wrong base64 text is found here
    except (msgspec.ValidationError, binascii.Error) as error:
        raise StartupError(f"{file} is no message ({error}); {EXAMPLE}") from None
    return message
