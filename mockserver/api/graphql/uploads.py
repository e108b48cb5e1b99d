"""GraphQL requests with files: the multipart convention that SDKs use (jaydenseric/graphql-multipart-request-spec).

`operations` is the request with null in the place of each file, `map` names the variables of each file, and the files
follow. Neither a file's length nor its content type or name is compared with anything: those of SDKs are wrong in
several ways (wire trap 18: client.py, annotation_import.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
from starlette.requests import Request

from mockserver.digits import parse_digits
from mockserver.errors import BadInput, BodyTooLarge, NotAllowed
from mockserver.http.multipart import Part, Sink, read_multipart
from mockserver.http.requests import MOST_BODY
from mockserver.http.threads import call_off_loop
from mockserver.jobs.long_changes import LongChanges
from mockserver.jobs.uploads import UploadedFile, Uploads
from mockserver.results.budget import OutOfSpace

MOST_UPLOAD = 256 * 1024 * 1024
"""Bytes of one upload with all that is around it. An SDK sends data rows in chunks of 10 MB."""
MOST_MAP = 64 * 1024
MOST_FILES = 10
"""Files of one request. SDKs send one."""


class _Text:
    """A sink that keeps a short part."""

    def __init__(self, name: str, most: int) -> None:
        self._name, self._most = name, most
        self.content = bytearray()

    def write(self, data: bytes) -> None:
        self.content += data
        if len(self.content) > self._most:
            raise BodyTooLarge(f"The part {self._name!r} has more than {self._most} bytes; at most these are read")

    def close(self) -> None:
        pass


class UploadRequest:
    """A multipart request: its operation as JSON text, and its files once it was read."""

    def __init__(self, uploads: Uploads, long_changes: LongChanges) -> None:
        self._uploads, self._long_changes = uploads, long_changes
        self._ids: Iterator[str] = iter(())
        self._texts: dict[str, _Text] = {}
        self._files: dict[str, UploadedFile] = {}

    async def read(self, request: Request) -> bytes:
        """Reads the whole request, files to the disk, and returns its part `operations`.

        Raises BadInput, BodyTooLarge, ResourceFailed, ClientDisconnect.
        """
        await self._long_changes.wait()  # new ids are a change; no file begins with one
        self._ids = await call_off_loop(self._uploads.remote, lambda: iter(self._uploads.new_ids(MOST_FILES)))
        try:
            await read_multipart(request, self._open_sink, MOST_UPLOAD, remote=self._uploads.remote)
        except OutOfSpace:
            raise NotAllowed(
                "The uploaded file exceeds the space for results and uploads; upload less, or start the server with a"
                " larger --results-limit"
            ) from None
        operations = self._texts.get("operations")
        if operations is None or "map" not in self._texts:
            raise BadInput('The multipart body lacks a part; expected "operations", "map" and the files, in this order')
        return bytes(operations.content)

    def _open_sink(self, part: Part) -> Sink:
        if part.name in self._texts or part.name in self._files:
            raise BadInput(f"The multipart body has two parts with the name {part.name!r}; expected one")
        if part.name in ("operations", "map"):
            text = _Text(part.name, MOST_BODY if part.name == "operations" else MOST_MAP)
            self._texts[part.name] = text
            return text
        if "map" not in self._texts:
            raise BadInput(f'The part {part.name!r} is in front of "map"; expected "operations", "map" and the files')
        if len(self._files) == MOST_FILES:
            raise BadInput(f"The multipart body has more than {MOST_FILES} files; upload them one by one")
        file = self._uploads.receive(part.file_name or part.name, part.content_type, next(self._ids))
        self._files[part.name] = file
        return file

    def fill_in(self, variables: dict[str, Any] | None) -> None:
        """Puts the files into the variables that the map names. Raises BadInput."""
        try:
            places = orjson.loads(self._texts["map"].content)
        except orjson.JSONDecodeError as error:
            raise BadInput(f'The part "map" is not JSON ({error}); expected {_MAP}') from None
        if not isinstance(places, dict):
            raise BadInput(f'The part "map" is no object; expected {_MAP}')
        for name, paths in places.items():
            if name not in self._files:
                raise BadInput(f'The part "map" names the file {name!r}, which the body does not have')
            for path in paths if isinstance(paths, list) else [None]:
                _find_place(path, variables)(self._files[name])
        for name in self._files.keys() - places.keys():
            raise BadInput(f'The file {name!r} is not in the part "map"; expected {_MAP}')

    def close(self) -> None:
        """Deletes the files that no resolver has kept."""
        for file in self._files.values():
            self._uploads.discard(file)


_MAP = '{"1": ["variables.file"]}'


def _find_place(path: Any, variables: dict[str, Any] | None) -> Callable[[UploadedFile], None]:
    """A function that puts a file into the place that a path like `variables.data.file` names. Raises BadInput."""
    first, *keys = path.split(".") if isinstance(path, str) else [""]
    holder: Any = variables
    for key in keys[:-1]:
        holder = _get_item(holder, key)
    if first != "variables" or not keys or _get_item(holder, keys[-1], missing=0) is not None:
        raise BadInput(f'The part "map" names the place {path!r}; expected a variable that is null, as in {_MAP}')
    last: Any = keys[-1] if isinstance(holder, dict) else int(keys[-1])

    def put(file: UploadedFile) -> None:
        holder[last] = file

    return put


def _get_item(holder: Any, key: str, missing: Any = None) -> Any:
    if isinstance(holder, dict):
        return holder.get(key, missing)
    number = parse_digits(key)
    if isinstance(holder, list) and number is not None and number < len(holder):
        return holder[number]
    return missing
