"""The table of media types is the only list of them: a new row and its generator are a new media type."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from graphql import build_schema
from graphql.type import GraphQLEnumType

from mockserver.api.graphql.schema import read_sdl
from mockserver.generate.media.generator import MediaGenerator, get_generator
from mockserver.world.media import BY_NAME, MEDIA, MediaType

REPOSITORY = Path(__file__).parents[3]
PACKAGE = REPOSITORY / "mockserver"
TABLE = PACKAGE / "world" / "media.py"
WIRE_WORDS = {media.wire for media in MEDIA}
FACTS_OF_DATA_ROWS = (
    "label_kind", "framed", "tiled", "drawn_as", "text_layer", "legacy_masks", "legacy_attributes",
    "legacy_relationships",
)  # fmt: skip

ROW = """    MediaType(
        name="hologram", wire="HOLOGRAM", generator="hologram:Hologram", extension="holo",
        tools=frozenset({"rectangle"}), label_kind="Hologram", framed=True,
    ),
"""
GENERATOR = """from mockserver.generate.media.video import Video


class Hologram(Video):
    pass
"""
SCENARIO = """description = "Holograms"
[ontologies.o]
media = "hologram"
[[ontologies.o.tools]]
name = "Box"
tool = "rectangle"
[[projects]]
name = "p"
media = "hologram"
ontology = "o"
"""


@pytest.mark.parametrize("media", MEDIA, ids=BY_NAME)
def test_every_media_type_has_a_generator(media: MediaType) -> None:
    generator = get_generator(media.name)
    assert isinstance(generator, MediaGenerator)
    assert generator.media is media


def test_media_types_with_the_same_wire_word_agree_about_its_data_rows() -> None:
    for wire, rows in groupby(sorted(MEDIA, key=lambda media: media.wire), key=lambda media: media.wire):
        assert len({tuple(getattr(media, name) for name in FACTS_OF_DATA_ROWS) for media in rows}) == 1, wire


def test_names_and_kinds_of_attachments_belong_to_one_media_type() -> None:
    kinds = [kind for media in MEDIA for kind in media.attachments]
    assert len(BY_NAME) == len(MEDIA)
    assert len(set(kinds)) == len(kinds)


def test_the_schema_knows_every_wire_word_and_editor_task_type() -> None:
    schema = build_schema(read_sdl(), assume_valid=True)
    words = {}
    for name in ("MediaType", "EditorTaskType"):
        enum = schema.type_map[name]
        assert isinstance(enum, GraphQLEnumType)
        words[name] = set(enum.values)
    assert words["MediaType"] >= WIRE_WORDS
    assert words["EditorTaskType"] >= {media.editor_task_type for media in MEDIA if media.editor_task_type}


def test_no_other_module_names_wire_words_or_lists_media_types() -> None:
    files = [file for file in sorted(PACKAGE.rglob("*.py")) if file != TABLE]
    assert [str(file.relative_to(REPOSITORY)) for file in files if list(lists_of_media(file))] == []


def lists_of_media(file: Path) -> Iterator[ast.AST]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Constant) and node.value in WIRE_WORDS:
            yield node
        if isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict):
            elements = node.keys if isinstance(node, ast.Dict) else node.elts
            words = {element.value for element in elements if isinstance(element, ast.Constant)}
            if len(words & BY_NAME.keys()) > 1:
                yield node


@pytest.fixture(scope="module")
def imaginary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package that has one more media type, and a scenario of it."""
    folder = tmp_path_factory.mktemp("imaginary")
    shutil.copytree(PACKAGE, folder / "mockserver", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "fixtures").symlink_to(REPOSITORY / "fixtures")
    table = folder / TABLE.relative_to(REPOSITORY)
    before, bracket, after = table.read_text().partition(")  # fmt: skip\n")
    table.write_text(before + ROW + bracket + after)
    (folder / "mockserver/generate/media/hologram.py").write_text(GENERATOR)
    (folder / "holograms.toml").write_text(SCENARIO)
    return folder


def generate(folder: Path, form: str) -> str:
    command = [sys.executable, "-m", "mockserver", "generate", "--scenario", "holograms.toml", "--media", "hologram"]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    run = subprocess.run(
        [*command, "--rows", "1", "--format", form, "-o", "-"], cwd=folder, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_a_row_and_a_generator_make_a_media_type_that_every_format_knows(imaginary: Path) -> None:
    row = json.loads(generate(imaginary, "v2"))
    [project] = row["projects"].values()
    assert project["labels"][0]["label_kind"] == "Hologram"
    assert row["data_row"]["external_id"].endswith(".holo")
    [label] = json.loads(generate(imaginary, "v1"))
    assert "/v1/frames/" in label["Label"]["frames"]
    assert [json.loads(line)["frameNumber"] for line in generate(imaginary, "frames").splitlines()]
