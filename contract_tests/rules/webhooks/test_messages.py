"""Signed messages: the committed samples, and what a signature is good for."""

import hashlib
import hmac
import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.generate.fixtures import find_fixtures
from mockserver.webhooks.messages import build_message, compute_signature
from mockserver.world.records.events import TOPICS

SAMPLES = find_fixtures() / "webhooks"
FILES = sorted(SAMPLES.glob("v[12]-*.json"))


@pytest.fixture(scope="module")
def maker() -> dict[str, Any]:
    return runpy.run_path(str(SAMPLES / "make_webhooks.py"))


def test_the_committed_samples_are_what_the_maker_makes(maker: dict[str, Any]) -> None:
    assert maker["find_differences"](maker["messages"](), SAMPLES) == []


def test_the_check_names_each_sample_that_differs(
    maker: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert maker["main"]([], tmp_path) == 0
    (tmp_path / "v1-label_created.json").write_text("{}")
    assert maker["main"](["--check"], tmp_path) == 1
    assert "v1-label_created.json differs" in capsys.readouterr().err


def test_there_is_a_sample_of_each_topic_and_version() -> None:
    assert {file.stem for file in FILES} == {
        f"{version}-{topic.lower()}" for version in ("v1", "v2") for topic in TOPICS
    }


@pytest.mark.known("documented")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_sample_verifies_as_the_services_page_verifies(file: Path) -> None:
    sample = json.loads(file.read_text())
    secret, payload = sample["secret"].encode(), sample["body"].encode()
    computed = hmac.new(secret, msg=payload, digestmod=hashlib.sha1).hexdigest()
    assert sample["headers"]["X-Hub-Signature"] == "sha1=" + computed
    newer = hmac.new(secret, msg=payload, digestmod=hashlib.sha256).hexdigest()
    assert sample["headers"]["X-Hub-Signature-256"] == "sha256=" + newer
    assert sample["headers"]["X-Labelbox-Event"].lower() == file.stem.partition("-")[2]


@pytest.mark.known("client")
@pytest.mark.parametrize("file", [file for file in FILES if file.stem.startswith("v1")], ids=lambda file: file.stem)
def test_a_v1_sample_has_what_receivers_read(file: Path) -> None:
    body = json.loads(json.loads(file.read_text())["body"])
    assert all(isinstance(text, str) for text in (body["id"], body["dataRow"]["id"], body["project"]["id"]))
    assert set(json.loads(body["label"])) >= {"objects", "classifications"}


def test_at_least_one_sample_is_longer_in_bytes_than_in_characters() -> None:
    """The samples alone show whether a receiver signs characters."""
    bodies = [json.loads(file.read_text())["body"] for file in FILES]
    assert any(not body.isascii() for body in bodies)


@given(st.binary(), st.text(min_size=1), st.binary(min_size=1))
def test_a_signature_is_that_of_these_bytes_and_this_secret_only(body: bytes, secret: str, more: bytes) -> None:
    signed = build_message("d1", "LABEL_CREATED", body, secret=secret)
    assert signed.body == body
    assert signed.headers["X-Hub-Signature"] == compute_signature("sha1", body, secret=secret)
    assert compute_signature("sha1", body + more, secret=secret) != signed.headers["X-Hub-Signature"]
    assert compute_signature("sha1", body, secret=secret + "x") != signed.headers["X-Hub-Signature"]
