from __future__ import annotations

import re
import runpy
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from mockserver.errors import StartupError
from mockserver.generate.fixtures import find_fixtures, find_folder
from mockserver.generate.words import load_table

WORDS = find_fixtures() / "words"
TABLES = sorted(path.stem for path in WORDS.glob("*.txt"))


@pytest.fixture(scope="module")
def maker() -> dict[str, Any]:
    return runpy.run_path(str(WORDS / "make_words.py"))


def test_the_committed_tables_are_what_the_maker_makes(maker: dict[str, Any]) -> None:
    assert maker["find_differences"](maker["tables"](), WORDS) == []


def test_the_check_names_each_table_that_differs_and_writes_nothing(
    maker: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert maker["main"]([], tmp_path) == 0
    (tmp_path / "people.txt").write_text("Nobody\n", encoding="utf-8")
    (tmp_path / "places.txt").unlink()
    (tmp_path / "strangers.txt").touch()

    assert maker["main"](["--check"], tmp_path) == 1

    complaint = capsys.readouterr().err
    assert re.findall(r"(\w+\.txt) differs", complaint) == ["people.txt", "places.txt", "strangers.txt"]
    assert (tmp_path / "people.txt").read_text(encoding="utf-8") == "Nobody\n"


@pytest.mark.parametrize("name", TABLES)
def test_entries_are_unique_and_clean(name: str) -> None:
    entries = load_table(name)

    assert len(set(entries)) == len(entries)
    assert all(entry == entry.strip() and entry for entry in entries)
    assert not [entry for entry in entries if any(unicodedata.category(letter) == "Cc" for letter in entry)]
    separated = [entry for entry in entries if "\u2028" in entry or "\u2029" in entry]
    assert bool(separated) == (name == "names_unicode")


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("people", 60),
        ("places", 80),
        ("companies", 60),
        ("sentences_en", 400),
        ("sentences_ja", 60),
        ("sentences_ar", 60),
        ("sentences_de", 60),
        ("sentences_hi", 60),
        ("names_files", 200),
        ("names_unicode", 19),
    ],
)
def test_every_table_has_the_promised_number_of_entries(name: str, count: int) -> None:
    assert len(load_table(name)) == count


def test_no_table_is_left_without_a_promise() -> None:
    sentences = [f"sentences_{language}" for language in ("ar", "de", "en", "hi", "ja")]
    assert sorted(["companies", "names_files", "names_unicode", "people", "places", *sentences]) == TABLES


def test_the_tables_stay_small() -> None:
    assert sum(path.stat().st_size for path in WORDS.glob("*.txt")) < 120_000


def test_people_have_names_in_several_scripts() -> None:
    scripts = {unicodedata.name(name[0]).split()[0] for name in load_table("people")}
    assert scripts >= {"LATIN", "CJK", "ARABIC", "DEVANAGARI", "GREEK", "HANGUL"}


def test_file_names_are_plain_stems() -> None:
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name) for name in load_table("names_files"))


def test_a_sentence_leaves_no_placeholder_open_and_ends_as_its_language_does() -> None:
    sentences = [sentence for name in TABLES if name.startswith("sentences_") for sentence in load_table(name)]
    assert not [sentence for sentence in sentences if "{" in sentence or "}" in sentence]
    assert not [sentence for sentence in sentences if sentence[-1] not in ".?。।؟"]


def test_an_unknown_table_is_answered_with_the_known_ones_nearest_first() -> None:
    with pytest.raises(StartupError, match=r'No word table "peoples" in .*; there are "people", '):
        load_table("peoples")


def test_the_shelf_is_the_first_candidate_with_word_tables(tmp_path: Path) -> None:
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "ours" / "words").mkdir(parents=True)

    assert find_folder(tmp_path / "_fixtures", tmp_path / "fixtures", tmp_path / "ours") == tmp_path / "ours"


def test_a_missing_shelf_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"neither .*_fixtures nor .*fixtures holds .*; install the package again"):
        find_folder(tmp_path / "_fixtures", tmp_path / "fixtures")
