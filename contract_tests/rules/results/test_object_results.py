"""The properties of an object store beside the laws of `test_results`: parts, windows, presigned URLs, failures."""

import secrets
import sys
import tracemalloc
from pathlib import Path

import pytest
import requests

from contract_tests.rules.results.test_results import names, read, write
from contract_tests.s3 import BUCKET, S3Server
from mockserver.errors import ResourceFailed, StartupError
from mockserver.results.object_results import WINDOW, ObjectResults, ObjectRoot
from mockserver.results.object_store import BUFFER, ObjectStore, explain
from mockserver.results.results_root import open_results_root
from mockserver.settings import Settings

URL = f"s3://{BUCKET}/objects"
MEGABYTE = 1024 * 1024


@pytest.fixture
def objects(s3: S3Server) -> ObjectResults:
    return ObjectRoot(ObjectStore(URL)).open(f"life-{secrets.token_hex(6)}")


def test_a_file_is_not_there_before_it_is_whole(objects: ObjectResults) -> None:
    for name, end in (("legacy/closed", "close"), ("legacy/abandoned", "abandon")):
        writer = objects.create(name)
        for _ in range(2 * BUFFER // MEGABYTE + 1):
            writer.write(bytes(MEGABYTE))
        assert name not in names(objects, "legacy")
        getattr(writer, end)()
    assert names(objects, "legacy") == ["legacy/closed"]


def test_a_large_file_is_read_in_windows(objects: ObjectResults) -> None:
    content = b"".join(index.to_bytes(4, "big") for index in range(5 * MEGABYTE // 4))
    write(objects, "uploads/a", content)
    reader = objects.open("uploads/a")
    for first in (0, WINDOW - 3, 2 * WINDOW, 1, len(content) - 2):
        assert reader.read(first, 1000) == content[first : first + 1000]
    assert read(objects, "uploads/a") == content
    tracemalloc.start()
    for first in range(0, len(content), 64 * 1024):
        reader.read(first, 64 * 1024)
    assert tracemalloc.get_traced_memory()[1] < 3 * WINDOW
    tracemalloc.stop()


def test_a_presigned_url_needs_no_credentials_and_only_reads(objects: ObjectResults) -> None:
    write(objects, "results/a/RESULT/0.ndjson", b"{}\n")
    url = objects.sign_url("results/a/RESULT/0.ndjson")
    assert requests.get(url, timeout=30).content == b"{}\n"
    with pytest.raises(FileNotFoundError):
        objects.sign_url("results/b/RESULT/0.ndjson")


def test_what_could_not_be_deleted_is_deleted_with_the_next_one(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ObjectStore(URL)
    objects = ObjectRoot(store).open(f"life-{secrets.token_hex(6)}")
    write(objects, "results/a", b"1")
    write(objects, "results/b", b"1")
    with monkeypatch.context() as broken:
        broken.setattr(store, "_store", ObjectStore("s3://no-such-bucket")._store)
        objects.delete("results/a")
    assert names(objects, "results") == ["results/a", "results/b"]
    objects.delete("results/b")
    assert names(objects, "results") == []


def test_a_bucket_that_does_not_exist_is_named(s3: S3Server) -> None:
    with pytest.raises(StartupError, match=r"s3://no-such-bucket/a cannot be used: .*NoSuchBucket"):
        open_results_root("s3://no-such-bucket/a", signed=False)
    writer = ObjectRoot(ObjectStore("s3://no-such-bucket")).open("life").create("a")
    writer.write(b"1")
    with pytest.raises(ResourceFailed, match="The object store s3://no-such-bucket failed: NoSuchBucket"):
        writer.close()


@pytest.mark.parametrize("place", ["ftp://a/b", "s3://", "s3:///a", "s3://a/../b", "https://bucket.s3.amazonaws.com"])
def test_other_urls_are_refused_with_what_was_expected(place: str) -> None:
    with pytest.raises(StartupError, match="expected a folder, s3://bucket/prefix"):
        Settings(results=place)


@pytest.mark.parametrize("place", [None, "folder"])
def test_redirects_need_a_store_that_signs(place: str | None) -> None:
    with pytest.raises(StartupError, match="--results-redirect needs an object store, which signs URLs"):
        Settings(results=place, results_redirect=True)


def test_redirects_are_refused_without_credentials(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")  # where the role of a machine would be
    with pytest.raises(StartupError, match="--results-redirect needs a store that signs URLs"):
        open_results_root(URL, signed=True)


def test_without_the_extra_the_words_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("obstore", "mockserver.results.object_store", "mockserver.results.object_results"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(StartupError, match=r"needs the extra `s3`; install it by pip install '.*\[s3\]'"):
        open_results_root("s3://bucket", signed=False)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartupError, match="file/below: Not a directory; give a folder that can be written"):
        open_results_root(str(tmp_path / "file" / "below"), signed=False)


def test_a_folder_that_is_gone_is_reported(tmp_path: Path) -> None:
    root = open_results_root(str(tmp_path / "results"), signed=False)
    assert root is not None
    assert root.find_failure() is None
    (tmp_path / "results").rmdir()
    assert "It was deleted or moved while the server runs" in str(root.find_failure())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Generic S3 error: Error performing PUT http://a/b?X-Signature=1 in 1ms - HTTP error: timed out", "timed out"),
        ("first\n<Code>AccessDenied</Code><Message>No</Message>", "AccessDenied: No"),
        ('first\n\nDebug source:\n  message: "Connection refused",', "Connection refused"),
        ("Unable to find http://a/b?sig=secret", "Unable to find http://a/b"),
    ],
)
def test_a_reason_is_short_and_has_no_signature(text: str, reason: str) -> None:
    assert explain(ValueError(text)).endswith(reason)
