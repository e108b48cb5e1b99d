"""`mockserver generate`: payloads of any size in a file, without a server."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click

from mockserver.commands.bars import show_progress
from mockserver.commands.options import ENDS, SEED, fail, setting
from mockserver.errors import BadInput, MockserverError, StartupError, nearest, quote
from mockserver.folders import open_scratch_folder
from mockserver.settings import check_seed
from mockserver.world.media import FRAMED_NAMES

FORMATS = ("v2", "v1", "frames")
BASE_URL = "https://mock.example"
MOST_ROWS = 10_000_000
ALL = "all"
NOT_WITH_ALL = {"interpolated_frames"}
"""It changes what frames say and adds no section."""


@click.command()
@click.option("--media", required=True, metavar="WORD", help="A media type of the scenario: image, text, …")
@click.option("--project", metavar="NAME", help="Which project of that media type, by its name; else the first.")
@click.option("--rows", default=100, show_default=True, type=click.IntRange(0, MOST_ROWS), help="Labelled data rows.")
@click.option("--format", "form", default="v2", show_default=True, metavar="|".join(FORMATS), help="Which payload.")
@click.option(
    "--params", default=ALL, show_default=True, metavar="WORDS", help="Sections of V2, as project.export names them."
)
@click.option("--locale", metavar="LOCALE", help="Free texts in this locale of Faker, ja_JP for example.")
@setting("--scenario", default="default", show_default=True, metavar="NAME|FILE", help="Whose project is taken.")
@SEED
@ENDS
@click.option("--base-url", default=BASE_URL, show_default=True, metavar="URL", help="What links begin with.")
@click.option("-o", "--output", required=True, metavar="FILE", help="Where to; - for standard output.")
def generate(**flags: Any) -> None:
    """Writes export payloads of any size to a file, without a server."""
    try:
        check_seed(flags["seed"])
        run(**flags)
    except MockserverError as error:
        fail(error)


def run(
    *, media: str, project: str | None, rows: int, form: str, params: str, locale: str | None, scenario: str, seed: int,
    ends: str | None, base_url: str, output: str,
) -> None:  # fmt: skip
    """Generates the world, then writes it: two steps for each row."""
    # Imported here: `--help` and a wrong flag answer immediately.
    from mockserver.exports import samples
    from mockserver.generate import locales, scenario_files, words
    from mockserver.generate import scenario as scenarios
    from mockserver.generate.prepared import resolve_end

    if form not in FORMATS:
        raise StartupError(f"--format is {form!r}; the nearest known are {quote(nearest(form, FORMATS))}")
    if form == "frames" and media not in FRAMED_NAMES:
        raise StartupError(f"--format frames is for {quote(FRAMED_NAMES)}; {media!r} has no frames: give v2 or v1")
    if not base_url.startswith(("http://", "https://")) or base_url.endswith("/"):
        raise StartupError(f"--base-url is {base_url!r}; expected scheme and host, like https://mock.example")
    sections = parse_sections(params)
    plan = samples.select_project(scenarios.load(scenario_files.find(scenario)), media, rows, project=project)
    end = resolve_end(plan, ends)
    tables = {} if locale is None else locales.build_tables(locale, seed)
    with (
        open_scratch_folder() as folder,
        open_output(output) as file,
        show_progress(2 * rows, "Generating") as done,
        words.override_tables(tables),
    ):
        world = samples.build_database(plan, folder / "world.sqlite", seed=seed, ends=end, count=done)
        connection = world.connect()
        try:
            if form == "v2":
                pieces = samples.write_v2(connection, sections, seed=seed, now=end, host=base_url)
            elif form == "frames":
                pieces = samples.write_frames(connection, seed=seed, now=end, host=base_url)
            else:
                pieces = samples.write_v1(connection, seed=seed, now=end, host=base_url)
            for piece in pieces:
                file.write(piece.text)
                done(piece.count)
        finally:
            connection.close()


def parse_sections(text: str) -> Any:
    """`all`, `none`, or words with commas between them."""
    from mockserver.exports.words import PARAMS, parse_params

    if text == ALL:
        return parse_params(dict.fromkeys(PARAMS.keys() - NOT_WITH_ALL, True))
    words = [] if text == "none" else [word.strip() for word in text.split(",")]
    try:
        return parse_params(dict.fromkeys(words, True))
    except BadInput as error:
        raise StartupError(f"--{error.message}, or give all or none") from None


@contextlib.contextmanager
def open_output(output: str) -> Iterator[BinaryIO]:
    """Standard output; a file that appears under its name when it is whole; or a pipe or device, which stays."""
    if not output:
        raise StartupError("--output is empty; give the name of a file, or - for standard output")
    path = Path(output)
    try:
        if output == "-":
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        elif path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
        else:
            with open_whole(path.resolve()) as file:  # a link still leads there afterwards
                yield file
    except BrokenPipeError:  # the reader has enough: click ends the program
        raise
    except OSError as error:
        name = "standard output" if output == "-" else repr(output)
        raise StartupError(f"--output is {name}, which cannot be written: {error.strerror}") from None


@contextlib.contextmanager
def open_whole(path: Path) -> Iterator[BinaryIO]:
    """A file beside, which takes the name when all is written."""
    half = path.with_name(f"{path.name}.part")
    try:
        with half.open("wb") as file:
            yield file
        half.replace(path)
    finally:
        with contextlib.suppress(OSError):
            half.unlink(missing_ok=True)
