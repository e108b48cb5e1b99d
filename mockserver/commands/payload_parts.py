"""Parts of a generated payload, which are written by processes of their own: their rows, files and manifests.

The payload `images.ndjson` in 16 parts is `images-00001-of-00016.ndjson` and so on, in whose order they are joined.
Beside each part is its manifest, which appears when the part is whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from mockserver.conversion import decode
from mockserver.errors import StartupError
from mockserver.folders import write_atomically

MOST_PARTS = 99_999
READ_AT_ONCE = 1024 * 1024
MANIFEST = ".manifest.json"


class Part(NamedTuple):
    """One of `total` parts; `number` begins with 1."""

    number: int
    total: int

    def select_rows(self, rows: int) -> range:
        """The indices of its rows. Parts differ by one row at most."""
        return range(rows * (self.number - 1) // self.total, rows * self.number // self.total)

    def find_array_ends(self, rows: int) -> tuple[bytes, bytes]:
        """The bytes around its elements of a JSON array."""
        indices = self.select_rows(rows)
        before = b"[" if self.number == 1 else b",\n" if indices and indices.start else b""
        return before, b"]\n" if self.number == self.total else b""

    def name_file(self, output: Path) -> Path:
        """`images-00003-of-00016.ndjson` for `images.ndjson`."""
        return output.with_name(f"{output.stem}-{self.number:05}-of-{self.total:05}{output.suffix}")

    def name_manifest(self, output: Path) -> Path:
        """`images-00003-of-00016.manifest.json` for `images.ndjson`."""
        return self.name_file(output).with_suffix(MANIFEST)


def parse_part(text: str) -> Part:
    """`3/16` is the third of sixteen parts. Raises StartupError."""
    match = re.fullmatch(r"([0-9]{1,5})/([0-9]{1,5})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]) <= MOST_PARTS:
        raise StartupError(f"--part is {text!r}; expected I/N with I from 1 to N, like 3/16 for the third of 16 parts")
    return Part(int(match[1]), int(match[2]))


class Manifest(msgspec.Struct, frozen=True):
    """A part that was written: its file, bytes and checksum, and the payload that it is a part of.

    `payload` holds all that the bytes depend on, so parts of one payload have the same.
    """

    file: str
    part: int
    parts: int
    first_row: int
    rows: int
    bytes: int
    sha256: str
    payload: dict[str, Any]


class CheckedFile:
    """Writes to a file, and counts and hashes what it writes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._hash, self.bytes = file, hashlib.sha256(), 0

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.bytes += len(data)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def write_manifest(output: Path, part: Part, rows: range, checked: CheckedFile, payload: dict[str, Any]) -> Path:
    """Writes the manifest of a part that is whole, and returns its path."""
    path = part.name_manifest(output)
    manifest = Manifest(
        part.name_file(output).name, part.number, part.total, rows.start, len(rows), checked.bytes, checked.sha256,
        payload,
    )  # fmt: skip
    write_atomically(path, msgspec.json.format(msgspec.json.encode(manifest)) + b"\n", durable=False)
    return path


class Verified(NamedTuple):
    """All parts of a payload together. `sha256` is that of the joined file."""

    parts: int
    rows: int
    bytes: int
    sha256: str


def verify(path: Path, count: Callable[[int], object] = lambda _: None) -> Verified:
    """Reads all parts of the payload that a manifest belongs to. `count` is called with the bytes that were read.

    Raises StartupError with everything that is wrong: parts that are missing, of another payload, or changed.
    """
    manifests, problems = _collect(path)
    joined = hashlib.sha256()
    for manifest in manifests:
        single = hashlib.sha256()
        size = 0
        for chunk in _read(path.with_name(manifest.file), problems):
            single.update(chunk)
            joined.update(chunk)
            size += len(chunk)
            count(len(chunk))
        if size != manifest.bytes:
            problems.append(f"{manifest.file} has {size} bytes, and its manifest says {manifest.bytes}")
        elif single.hexdigest() != manifest.sha256:
            problems.append(f"{manifest.file} has other bytes than its manifest says")
    if problems:
        raise StartupError(f"--verify {path}: {'; '.join(problems)}; generate these parts again")
    rows, size = sum(manifest.rows for manifest in manifests), sum(manifest.bytes for manifest in manifests)
    return Verified(len(manifests), rows, size, joined.hexdigest())


def _collect(path: Path) -> tuple[list[Manifest], list[str]]:
    """The manifests of all parts in order, and what is wrong with them."""
    first = _load(path)
    ending = f"-{first.part:05}-of-{first.parts:05}{MANIFEST}"
    if not path.name.endswith(ending):
        raise StartupError(f"--verify {path}: a manifest of this part is named …{ending}; give it its name back")
    stem, manifests, problems = path.name.removesuffix(ending), list[Manifest](), list[str]()
    for number in range(1, first.parts + 1):
        name = f"{stem}-{number:05}-of-{first.parts:05}{MANIFEST}"
        if not path.with_name(name).exists():
            problems.append(f"{name} is missing")
            continue
        manifest = _load(path.with_name(name))
        if manifest.file != Path(manifest.file).name or not manifest.file.startswith(name.removesuffix(MANIFEST)):
            raise StartupError(f"--verify {path}: {name} names the file {manifest.file!r}, which is none beside it")
        if (manifest.part, manifest.parts, manifest.payload) != (number, first.parts, first.payload):
            problems.append(f"{name} belongs to another payload than {path.name}")
        manifests.append(manifest)
    return manifests, problems


def _load(path: Path) -> Manifest:
    try:
        return decode(path.read_bytes(), Manifest)
    except OSError as error:
        raise StartupError(f"--verify {path}: {error.strerror}; give the manifest of a part") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StartupError(f"--verify {path}: no manifest of a part ({error}); give one that --part wrote") from None


def _read(path: Path, problems: list[str]) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(READ_AT_ONCE):
                yield chunk
    except OSError as error:
        problems.append(f"{path.name}: {error.strerror}")
