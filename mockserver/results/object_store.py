"""One bucket of an object store: S3 and what speaks its protocol, Google Cloud Storage, Azure.

Every failure becomes a ResourceFailed that names the bucket. `obstore` has one interface for all of them; it is the
extra `s3`, and this module is imported only for `--results` with a URL.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from mockserver.errors import ResourceFailed, StartupError, shorten
from mockserver.results.interface import ResultFile
from mockserver.world.machine_failures import report_failure

BUFFER = 8 * 1024 * 1024
"""Bytes. A larger file is sent in parts of this size, of which at most two are in memory."""
SIGNED_FOR = timedelta(hours=1)
"""How long a presigned URL is valid, by the clock of the store: long enough for any download to begin."""
PROBE_EVERY = 1.0
"""Seconds for which the result of a probe is kept."""
_MOST_SHOWN = 200

_REQUESTS = {
    "client_options": {"allow_http": True, "connect_timeout": timedelta(seconds=3), "timeout": timedelta(seconds=20)},
    "retry_config": {"max_retries": 3, "retry_timeout": timedelta(seconds=10)},
}
"""The bounds of requests for results. Without them a store that does not answer would hold an export for three
minutes."""
_PROBES = {
    "client_options": {"allow_http": True, "connect_timeout": timedelta(seconds=2), "timeout": timedelta(seconds=3)},
    "retry_config": {"max_retries": 0, "retry_timeout": timedelta(seconds=3)},
}
_NO_BUCKET = re.compile("NoSuchBucket|ContainerNotFound|bucket does not exist", re.IGNORECASE)


class Content(NamedTuple):
    """The beginning of an object, and the bytes of the whole."""

    beginning: bytes
    size: int


class ObjectStore:
    """The objects below the prefix of a URL such as `s3://bucket/prefix`. Safe for several threads.

    Credentials, region and endpoint are those of the environment, under the names of each cloud.
    """

    def __init__(self, url: str) -> None:
        """Raises ValueError, BaseError."""
        self.url = url
        self._store: Any = from_url(url, **_REQUESTS)  # type: ignore[call-overload]  # obstore types the options by store
        self._probe: Any = from_url(url, **_PROBES)  # type: ignore[call-overload]  # as above
        self._lock = threading.Lock()
        self._probed_at, self._failure = -PROBE_EVERY, ""

    def open_writer(self, path: str, content_type: str) -> obstore.WritableFile:
        """Begins an object, which is there when the writer is closed. Raises ResourceFailed."""
        with self.name_failures():
            attributes = {"Content-Type": content_type}
            return obstore.open_writer(self._store, path, attributes=attributes, buffer_size=BUFFER, max_concurrency=1)

    def read_beginning(self, path: str, most: int) -> Content:
        """Raises FileNotFoundError, ResourceFailed."""
        with self.name_failures(path):
            try:
                result = obstore.get(self._store, path, options={"range": (0, most)})
                return Content(bytes(result.bytes()), result.meta["size"])
            except BaseError:
                if self.size(path) > 0:
                    raise
                return Content(b"", 0)  # stores refuse every range of an empty object

    def read_range(self, path: str, first: int, end: int) -> bytes:
        """Raises FileNotFoundError, ResourceFailed."""
        with self.name_failures(path):
            return bytes(obstore.get_range(self._store, path, start=first, end=end))

    def size(self, path: str) -> int:
        """Raises FileNotFoundError, ResourceFailed."""
        with self.name_failures(path):
            return obstore.head(self._store, path)["size"]

    def list(self, below: str) -> list[ResultFile]:
        """All objects below a path. Raises ResourceFailed."""
        with self.name_failures():
            metas = [meta for page in obstore.list(self._store, below) for meta in page]
        return [ResultFile(meta["path"], meta["size"], meta["last_modified"].timestamp()) for meta in metas]

    def delete(self, paths: Sequence[str]) -> None:
        """Deletes objects, which need not exist. Raises ResourceFailed."""
        try:
            with self.name_failures():
                obstore.delete(self._store, paths)
        except FileNotFoundError:  # some stores say so, and the others are deleted one by one
            for path in paths if len(paths) > 1 else []:
                self.delete([path])

    def sign(self, path: str) -> str:
        """A URL at which anyone can fetch an object. Raises ResourceFailed."""
        with self.name_failures():
            return obstore.sign(self._store, "GET", path, SIGNED_FOR)

    def find_failure(self) -> str | None:
        """Lists nothing, and returns why that fails; None if it succeeds. Tries again after PROBE_EVERY seconds."""
        with self._lock:
            if time.monotonic() - self._probed_at >= PROBE_EVERY:
                self._failure = self._try()
                self._probed_at = time.monotonic()
        return self._failure or None

    def _try(self) -> str:
        try:
            with self.name_failures():
                next(obstore.list(self._probe, ".probe"), None)
        except ResourceFailed as failure:
            return failure.message
        return ""

    @contextmanager
    def name_failures(self, path: str = "") -> Iterator[None]:
        """Raises FileNotFoundError with the path of an object that is not there, and ResourceFailed for every other
        error of the store."""
        try:
            yield
        except ResourceFailed:
            raise
        except FileNotFoundError as error:
            if _NO_BUCKET.search(str(error)):
                raise self._fail(error) from None
            raise FileNotFoundError(path) from None
        except (BaseError, OSError) as error:
            raise self._fail(error) from None

    def _fail(self, error: Exception) -> ResourceFailed:
        return report_failure(
            f"The object store {self.url} failed: {explain(error)}; check that it runs, that the bucket exists, and the"
            " credentials and the endpoint in the environment; the server goes on by itself then"
        )


def open_object_store(url: str) -> ObjectStore:
    """Raises StartupError for a URL or an environment that obstore refuses."""
    try:
        return ObjectStore(url)
    except (ValueError, BaseError) as error:
        raise StartupError(
            f"--results {url} cannot be used: {explain(error)}; give s3://bucket/prefix, gs://bucket/prefix,"
            " az://container/prefix or a folder, and the credentials in the environment"
        ) from None


def explain(error: Exception) -> str:
    """The reason in an error of obstore, whose text has a page of details."""
    text = str(error)
    code = re.search("<Code>(.+?)</Code>.*?<Message>(.+?)</Message>", text, re.DOTALL)
    if code is not None:
        return shorten(f"{code[1]}: {code[2]}", _MOST_SHOWN)
    system = re.search(r'message: "([^"]+)"', text)
    if system is not None:
        return shorten(system[1], _MOST_SHOWN)
    reason = text.partition("\n")[0].rpartition(" - ")[2]  # in front of it are the request and its retries
    return shorten(re.sub(r"\?\S+", "", reason), _MOST_SHOWN)  # the query of a request may have a signature
