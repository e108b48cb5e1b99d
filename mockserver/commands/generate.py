"""`mockserver generate`: payloads of any size in a file, without a server."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from mockserver import __version__
from mockserver.commands.bars import show_progress
from mockserver.commands.options import ENDS, SEED, fail, setting
from mockserver.commands.payload_parts import Part, parse_part
from mockserver.errors import BadInput, MockserverError, StartupError, nearest, quote
from mockserver.folders import open_scratch_folder
from mockserver.settings import check_seed
from mockserver.world.media import FRAMED_NAMES

FORMATS = ("v2", "v1", "frames")
BASE_URL = "https://mock.example"
MOST_ROWS = 1_000_000_000
MOST_ROWS_OF_PART = 10_000_000
"""Rows that one process writes: it needs a scratch file of some 2 GB for them."""
ALL = "all"
NOT_WITH_ALL = {"interpolated_frames"}
"""It changes what frames say and adds no section."""


def verify_and_exit(context: click.Context, _parameter: click.Parameter, manifest: Path | None) -> None:
    """Checks the parts of a payload in the place of generating one."""
    if manifest is None or context.resilient_parsing:
        return
    from mockserver.commands.payload_parts import verify

    try:
        verified = verify(manifest)
    except MockserverError as error:
        fail(error)
    click.echo(
        f"All {verified.parts} parts are whole: {verified.rows:,} rows, {verified.bytes:,} bytes.\n"
        f"sha256 of the joined file: {verified.sha256}"
    )
    context.exit()


@click.command()
@click.option(
    "--verify",
    metavar="MANIFEST",
    type=click.Path(path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=verify_and_exit,
    help="Check all parts that belong to this manifest, and generate nothing.",
)
@click.option("--part", metavar="I/N", help="Only these rows, with a manifest: 3/16 is the third of 16 parts.")
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
    ends: str | None, base_url: str, output: str, part: str | None,
) -> None:  # fmt: skip
    """Generates the world, then writes it: two steps for each row."""
    # Imported here: `--help` and a wrong flag answer immediately.
    from mockserver.commands.payload_parts import CheckedFile, write_manifest
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
    piece, indices = select_part(part, rows, output)
    tables = {} if locale is None else locales.build_tables(locale, seed)
    target = output if part is None else str(piece.name_file(Path(output)))
    with (
        open_scratch_folder() as folder,
        open_output(target) as file,
        show_progress(2 * len(indices), "Generating") as done,
        words.override_tables(tables),
    ):
        world = samples.build_database(plan, folder / "world.sqlite", seed=seed, ends=end, count=done, part=indices)
        connection = world.connect()
        checked = CheckedFile(file)
        try:
            if form == "v2":
                texts = samples.write_v2(connection, sections, seed=seed, now=end, host=base_url)
            elif form == "frames":
                texts = samples.write_frames(connection, seed=seed, now=end, host=base_url)
            else:
                array = piece.find_array_ends(rows)
                texts = samples.write_v1(connection, seed=seed, now=end, host=base_url, ends=array)
            for text in texts:
                checked.write(text.text)
                done(text.count)
        finally:
            connection.close()
    if part is not None:
        payload = describe_payload(
            plan, media=media, rows=rows, form=form, params=params, locale=locale, seed=seed, end=end, base_url=base_url
        )
        write_manifest(Path(output), piece, indices, checked, payload)


def select_part(text: str | None, rows: int, output: str) -> tuple[Part, range]:
    """The part that `--part` names, by default the only one, and the indices of its rows. Raises StartupError."""
    part = Part(1, 1) if text is None else parse_part(text)
    if text is not None and (output == "-" or Path(output).is_dir()):
        raise StartupError(f"--part needs a file for --output, beside which its manifest is; --output is {output!r}")
    indices = part.select_rows(rows)
    if len(indices) > MOST_ROWS_OF_PART:
        parts = -(-rows // MOST_ROWS_OF_PART)
        raise StartupError(
            f"--rows {rows} are {len(indices):,} rows in one process, and at most {MOST_ROWS_OF_PART:,} are written by "
            f"one; give --part, for example --part 1/{parts} up to {parts}/{parts}"
        )
    return part, indices


def describe_payload(plan: Any, **flags: Any) -> dict[str, Any]:
    """Everything that the bytes of a payload depend on: flags, scenario and version."""
    scenario = hashlib.sha256(msgspec.json.encode(plan, order="deterministic")).hexdigest()
    return {"mockserver": __version__, "scenario": scenario, **flags}


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
