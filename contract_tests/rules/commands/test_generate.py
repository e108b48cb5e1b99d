"""`mockserver generate` writes payloads that validate, the same for the same seed, and says what it cannot do."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from contract_tests.serving import environment_without_our_settings
from mockserver.testing import schemas

MOST_SECONDS = 60


def generated(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "mockserver", "generate", *arguments]
    return subprocess.run(
        command, env=environment_without_our_settings(), capture_output=True, timeout=MOST_SECONDS, check=False
    )


def rows(*arguments: str) -> list[Any]:
    """What is written to standard output, line by line."""
    ended = generated(*arguments, "-o", "-")
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_as_many_labelled_rows_come_as_are_asked_for() -> None:
    found = rows("--media", "text", "--rows", "30")
    assert [len(project["labels"]) for row in found for project in row["projects"].values()] == [1] * 30


@pytest.mark.parametrize("media", ["image", "text", "video", "document", "chat"])
def test_what_is_generated_validates(media: str) -> None:
    validator = jsonschema_rs.Draft202012Validator(schemas.load(f"v2-{media}"))
    for row in rows("--media", media, "--rows", "12", "--seed", "7"):
        validator.validate(row)


def test_a_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("first", "7"), ("second", "7"), ("third", "8")):
        assert generated("--media", "image", "--seed", seed, "-o", str(tmp_path / name)).returncode == 0
    first, second, third = ((tmp_path / name).read_bytes() for name in ("first", "second", "third"))
    assert first == second != third
    assert sorted(file.name for file in tmp_path.iterdir()) == ["first", "second", "third"]


def test_params_choose_the_sections() -> None:
    [bare] = rows("--media", "image", "--rows", "1", "--params", "none")
    assert bare.keys() == {"data_row", "media_attributes", "projects"}
    [some] = rows("--media", "image", "--rows", "1", "--params", "attachments, label_details")
    assert some.keys() == {*bare, "attachments"}
    assert "label_details" in next(iter(some["projects"].values()))["labels"][0]


def test_v1_is_one_array_of_labels() -> None:
    ended = generated("--media", "text", "--rows", "5", "--format", "v1", "-o", "-")
    labels = json.loads(ended.stdout)
    assert len({label["ID"] for label in labels}) == len(labels) >= 5


@pytest.mark.parametrize("media", ["video", "dicom"])
def test_frames_are_the_lines_of_all_labels(media: str) -> None:
    validator = jsonschema_rs.Draft202012Validator(schemas.load("v1-frame"))
    lines = rows("--media", media, "--rows", "3", "--format", "frames")
    for line in lines:
        validator.validate(line)
    assert len(lines) > 3


def test_no_rows_are_no_lines() -> None:
    assert rows("--media", "image", "--rows", "0") == []


def test_texts_can_be_told_in_another_locale() -> None:
    found = rows("--media", "text", "--rows", "20", "--locale", "ja_JP", "--params", "none")
    assert not json.dumps(found, ensure_ascii=False).isascii()
    assert found == rows("--media", "text", "--rows", "20", "--locale", "ja_JP", "--params", "none")


def test_without_faker_the_locale_names_what_to_install() -> None:
    program = "import sys; sys.modules['faker'] = None\nfrom mockserver.__main__ import main; main()"
    command = [sys.executable, "-c", program, "generate", "--media", "text", "--locale", "ja_JP", "-o", "-"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=MOST_SECONDS, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "pip install 'labelbox-mockserver[generate]'" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--media", "imgae"], "--media is 'imgae'; the nearest known are \"image\""),
        (["--media", "image", "--format", "v3"], "--format is 'v3'"),
        (["--media", "image", "--format", "frames"], "'image' has no frames"),
        (["--media", "image", "--params", "label_detail"], '"label_details"'),
        (["--media", "image", "--locale", "jp"], '"ja_JP"'),
        (["--media", "image", "--scenario", "empty"], "the scenario has no projects"),
        (["--media", "image", "--rows", "-1"], "--rows"),
        (["--media", "image", "--seed", str(2**64)], "--seed"),
    ],
)
def test_a_mistake_is_told_with_the_nearest_known_words(arguments: list[str], told: str) -> None:
    ended = generated(*arguments, "-o", "-")
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert told in ended.stderr.decode()
    assert b"Traceback" not in ended.stderr


def test_a_place_that_cannot_be_written_is_told() -> None:
    ended = generated("--media", "image", "-o", "/proc/nothing/here.ndjson")
    assert ended.returncode == 2
    assert b"cannot be written" in ended.stderr
