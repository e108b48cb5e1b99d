"""`mockserver generate` writes payloads that validate, the same for the same seed, and says what it cannot do."""

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from contract_tests.forking import run_forked
from contract_tests.serving import environment_without_settings
from mockserver.testing import schemas

MOST_SECONDS = 240


def generate(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return run_forked("generate", *arguments, env=environment_without_settings(), text=False, timeout=MOST_SECONDS)


def rows(*arguments: str) -> list[Any]:
    """The rows that are written to standard output, one per line."""
    ended = generate(*arguments, "-o", "-")
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_as_many_labelled_rows_come_as_are_requested() -> None:
    labelled_rows = rows("--media", "text", "--rows", "30")
    assert [len(project["labels"]) for row in labelled_rows for project in row["projects"].values()] == [1] * 30


@pytest.mark.parametrize("media", ["image", "text", "video", "document", "chat"])
def test_what_is_generated_validates(media: str) -> None:
    validator = jsonschema_rs.Draft202012Validator(schemas.load(f"v2-{media}"))
    for row in rows("--media", media, "--rows", "12", "--seed", "7"):
        validator.validate(row)


def test_a_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("first", "7"), ("second", "7"), ("third", "8")):  # each interpreter has another hash seed
        command = [sys.executable, "-m", "mockserver", "generate", "--media", "image", "--seed", seed]
        subprocess.run([*command, "-o", str(tmp_path / name)], timeout=MOST_SECONDS, check=True)
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
    ended = generate("--media", "text", "--rows", "5", "--format", "v1", "-o", "-")
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


def test_texts_can_be_in_another_locale() -> None:
    generated_rows = rows("--media", "text", "--rows", "20", "--locale", "ja_JP", "--params", "none")
    assert not json.dumps(generated_rows, ensure_ascii=False).isascii()
    assert generated_rows == rows("--media", "text", "--rows", "20", "--locale", "ja_JP", "--params", "none")


def test_without_faker_the_locale_names_what_to_install() -> None:
    program = "import sys; sys.modules['faker'] = None\nfrom mockserver.__main__ import main; main()"
    command = [sys.executable, "-c", program, "generate", "--media", "text", "--locale", "ja_JP", "-o", "-"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=MOST_SECONDS, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "pip install 'labelbox-mockserver[generate]'" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--media", "imgae"], "--media is 'imgae'; the nearest known are \"image\""),
        (["--media", "image", "--format", "v3"], "--format is 'v3'"),
        (["--media", "image", "--format", "frames"], "'image' has no frames"),
        (["--media", "image", "--params", "label_detail"], '"label_details"'),
        (["--media", "image", "--locale", "jp"], '"ja_JP"'),
        (["--media", "image", "--locale", ""], "--locale is ''"),
        (["--media", "image", "--params", ""], "--params has no ''"),
        (["--media", "image", "--ends", "soon"], "--ends is 'soon'"),
        (["--media", "image", "--ends", "1900-01-01"], "the years 1972 to 9900"),
        (["--media", "image", "--scenario", "defualt"], '"default"'),
        (["--media", "image", "--rows", "10000001"], "--rows"),
        (["--media", "image", "--rows", "many"], "'many'"),
        (["--media", "image", "--scenario", "empty"], "the scenario has no projects"),
        (["--media", "image", "--rows", "-1"], "--rows"),
        (["--media", "image", "--seed", str(2**64)], "--seed"),
    ],
)
def test_a_mistake_is_reported_with_the_nearest_known_words(arguments: list[str], message: str) -> None:
    ended = generate(*arguments, "-o", "-")
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert message in ended.stderr.decode()
    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize("place", ["/proc/nothing/here.ndjson", "/proc", "", "x" * 300])
def test_a_place_that_cannot_be_written_is_reported(place: str) -> None:
    ended = generate("--media", "image", "-o", place)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert ended.stderr.startswith(b"mockserver: --output is ")
    assert b"Traceback" not in ended.stderr


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    """The output may therefore be `/dev/null` or `>(gzip)`; a file put in their place would be no device any more."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as aside:
        read = aside.submit(pipe.read_bytes)
        assert generate("--media", "text", "--rows", "3", "-o", str(pipe)).returncode == 0
        assert len(read.result(MOST_SECONDS).splitlines()) == 3
    assert pipe.is_fifo()
    assert [file.name for file in tmp_path.iterdir()] == ["pipe"]


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    assert generate("--media", "text", "--rows", "3", "-o", str(tmp_path / "link")).returncode == 0
    assert (tmp_path / "link").is_symlink()
    assert len((tmp_path / "file").read_bytes().splitlines()) == 3


def test_a_full_disk_behind_standard_output_is_reported() -> None:
    command = [sys.executable, "-m", "mockserver", "generate", "--media", "text", "--rows", "3", "-o", "-"]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=MOST_SECONDS, check=False)
    assert ended.returncode == 2
    assert b"--output is standard output, which cannot be written: No space left" in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_a_reader_that_has_enough_ends_it_without_a_word() -> None:
    command = [sys.executable, "-m", "mockserver", "generate", "--media", "text", "--rows", "2000", "-o", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.read(1) == b"{"
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(MOST_SECONDS) == 1


def test_a_terminal_is_shown_how_far_it_is(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "mockserver", "generate", "--media", "text", "--rows", "3"]
    ended = subprocess.run([*command, "-o", str(tmp_path / "x")], stderr=theirs, timeout=MOST_SECONDS, check=False)
    os.close(theirs)
    output = os.read(ours, 65536)
    os.close(ours)
    assert ended.returncode == 0
    assert b"Generating" in output
    assert b"100%" in output


def test_one_of_several_projects_of_a_media_type_is_chosen_by_name() -> None:
    arguments = ("--media", "text", "--rows", "4", "--scenario", "states", "--params", "none")
    [other] = {
        project["name"] for row in rows(*arguments, "--project", "inline") for project in row["projects"].values()
    }
    [first] = {project["name"] for row in rows(*arguments) for project in row["projects"].values()}
    assert (first, other) == ("benchmark", "inline")
    refused = generate(*arguments, "--project", "inlnie", "-o", "-")
    assert refused.returncode != 0
    assert b"--project is 'inlnie'; those of text with rows of their own are \"inline\"" in refused.stderr


def test_links_begin_with_the_base_url_that_is_given() -> None:
    [row] = rows("--media", "image", "--rows", "1", "--base-url", "http://127.0.0.1:8000")
    assert row["data_row"]["row_data"].startswith("http://127.0.0.1:8000/_files/")
    assert "mock.example/" not in json.dumps(row)
    refused = generate("--media", "image", "--base-url", "ftp://here", "-o", "-")
    assert b"--base-url is 'ftp://here'; expected scheme and host" in refused.stderr


# Parts


def write_parts(folder: Path, name: str, count: int, *flags: str) -> list[Path]:
    """Writes all parts of a payload, and returns them in order."""
    for number in range(1, count + 1):
        ended = generate(*flags, "--part", f"{number}/{count}", "-o", str(folder / name))
        assert ended.returncode == 0, ended.stderr
    return sorted(path for path in folder.iterdir() if f"-of-{count:05}." in path.name and "manifest" not in path.name)


@pytest.mark.parametrize(
    ("flags", "count"),
    [
        (("--media", "image", "--rows", "41"), 3),
        (("--media", "text", "--rows", "20", "--format", "v1"), 4),
        (("--media", "conversational", "--rows", "2", "--format", "v1"), 3),
        (("--media", "video", "--rows", "5", "--format", "frames"), 2),
    ],
    ids=["v2", "v1", "fewer rows than parts", "frames"],
)
def test_parts_that_are_joined_are_the_undivided_payload(tmp_path: Path, flags: tuple[str, ...], count: int) -> None:
    whole = generate(*flags, "--seed", "5", "-o", "-").stdout
    parts = write_parts(tmp_path, "rows.ndjson", count, *flags, "--seed", "5")
    assert len(parts) == count
    assert b"".join(path.read_bytes() for path in parts) == whole
    verified = generate("--verify", str(parts[0].with_suffix(".manifest.json")))
    assert verified.returncode == 0, verified.stderr
    assert hashlib.sha256(whole).hexdigest() in verified.stdout.decode()


@pytest.mark.parametrize("labels", ["consensus = 3", "benchmarks = 4"])
def test_rows_with_benchmarks_or_several_labels_are_the_same_in_parts(tmp_path: Path, labels: str) -> None:
    scenario = tmp_path / "several.toml"
    scenario.write_text(SEVERAL + labels)
    flags = ("--media", "text", "--rows", "17", "--scenario", str(scenario))
    for form in ("v2", "v1"):
        whole = generate(*flags, "--format", form, "-o", "-").stdout
        (folder := tmp_path / form).mkdir()
        parts = write_parts(folder, "rows.json", 4, *flags, "--format", form)
        assert b"".join(path.read_bytes() for path in parts) == whole


SEVERAL = """
description = "Rows with several labels, and benchmarks among them."

[ontologies.words]
media = "text"
questions = [{ name = "Tone", type = "radio", options = ["good", "bad"] }]

[[projects]]
name = "several"
media = "text"
ontology = "words"
labelled = 5
"""


def test_verifying_names_everything_that_is_wrong_with_the_parts(tmp_path: Path) -> None:
    first, second, third = write_parts(tmp_path, "a.ndjson", 3, "--media", "text", "--rows", "9")
    write_parts(tmp_path, "b.ndjson", 3, "--media", "text", "--rows", "9", "--seed", "1")
    manifest = first.with_suffix(".manifest.json")
    content = bytearray(first.read_bytes())
    content[10] ^= 1
    first.write_bytes(content)
    second.write_bytes(second.read_bytes()[:-1])
    other = tmp_path / "b-00003-of-00003.manifest.json"
    third.with_suffix(".manifest.json").write_bytes(other.read_bytes().replace(b"b-00003", b"a-00003"))
    ended = generate("--verify", str(manifest))
    assert ended.returncode == 2
    words = ended.stderr.decode()
    assert f"{first.name} has other bytes" in words
    assert f"{second.name} has {second.stat().st_size} bytes" in words
    assert "a-00003-of-00003.manifest.json belongs to another payload" in words
    third.with_suffix(".manifest.json").unlink()
    assert "a-00003-of-00003.manifest.json is missing" in generate("--verify", str(manifest)).stderr.decode()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--part", "0/3", "-o", "x"), "--part is '0/3'; expected I/N with I from 1 to N"),
        (("--part", "4/3", "-o", "x"), "expected I/N with I from 1 to N"),
        (("--part", "one", "-o", "x"), "expected I/N with I from 1 to N"),
        (("--part", "1/3", "-o", "-"), "--part needs a file for --output"),
        (("--rows", "25000000", "-o", "x"), "give --part, for example --part 1/3 up to 3/3"),
    ],
)
def test_a_part_that_cannot_be_is_refused(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    ended = generate("--media", "text", *arguments)
    assert (ended.returncode, words in ended.stderr.decode()) == (2, True), ended.stderr


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"part": "1"}'])
def test_what_is_no_manifest_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a-00001-of-00001.manifest.json"
    path.write_bytes(content)
    ended = generate("--verify", str(path))
    assert (ended.returncode, len(ended.stderr.decode().splitlines())) == (2, 1), ended.stderr
    assert b"give one that --part wrote" in ended.stderr
