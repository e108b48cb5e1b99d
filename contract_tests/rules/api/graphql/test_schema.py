"""The schema is kept between starts, and only read back where nobody else could have written it."""

from pathlib import Path

import pytest
from graphql import print_schema

from mockserver.api.graphql import schema
from mockserver.api.graphql.documents import RefusedDocument
from mockserver.api.graphql.engine import Engine
from mockserver.api.graphql.resolvers import MODULES
from mockserver.api.graphql.schema import build_bare_schema, load_schema, read_sdl


@pytest.fixture
def schema_file(tmp_path: Path) -> Path:
    """The file in which a first start has kept the schema."""
    load_schema(MODULES, tmp_path)
    [file] = tmp_path.iterdir()
    return file


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that schemas are built from."""
    texts: list[str] = []

    def build(sdl: str) -> object:
        texts.append(sdl)
        return build_bare_schema(sdl)

    monkeypatch.setattr(schema, "build_bare_schema", build)
    return texts


def test_a_kept_schema_is_the_same_schema(schema_file: Path, built: list[str]) -> None:
    assert print_schema(load_schema(MODULES, schema_file.parent)) == print_schema(build_bare_schema(read_sdl()))
    assert built == []


def test_an_engine_answers_by_a_kept_schema(schema_file: Path, built: list[str]) -> None:
    engine = Engine(MODULES, schema_file.parent)
    assert engine.schema.query_type is not None
    assert not isinstance(engine.prepare('{project(where: {id: "x"}) {id}}'), RefusedDocument)
    assert engine.schema.query_type.fields["project"].resolve is not None
    assert built == []


def test_a_schema_that_others_could_have_written_is_built_again(schema_file: Path, built: list[str]) -> None:
    schema_file.chmod(0o666)
    load_schema(MODULES, schema_file.parent)
    assert len(built) == 1
    assert schema_file.stat().st_mode & 0o777 == 0o600


def test_a_schema_behind_a_symbolic_link_is_built_again(schema_file: Path, built: list[str]) -> None:
    elsewhere = schema_file.rename(schema_file.with_name("elsewhere"))
    schema_file.symlink_to(elsewhere)
    load_schema(MODULES, schema_file.parent)
    assert len(built) == 1


@pytest.mark.parametrize("content", [b"", b"no pickle", b"\x80\x05N."])
def test_a_damaged_schema_is_built_again(schema_file: Path, built: list[str], content: bytes) -> None:
    schema_file.write_bytes(content)
    load_schema(MODULES, schema_file.parent)
    assert len(built) == 1


def test_a_cache_that_cannot_be_written_is_no_reason_not_to_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert load_schema(MODULES, tmp_path / "file" / "cache").query_type is not None
