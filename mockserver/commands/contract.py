"""`mockserver contract`: tries anybody's client with the cases of the contract."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mockserver.commands.bars import show_progress
from mockserver.commands.options import fail
from mockserver.errors import MockserverError, StartupError

if TYPE_CHECKING:
    from mockserver.contract import Report
    from mockserver.contract.process import TestedClient
    from mockserver.testing.server import MockServer

    Start = Callable[[], TestedClient]

FILE = click.Path(path_type=Path, dir_okay=False)


def list_cases(context: click.Context, _parameter: click.Parameter, requested: bool) -> None:
    """Prints the cases for `--cases`."""
    if not requested or context.resilient_parsing:
        return
    from mockserver.contract import CASES

    for case in CASES:
        click.echo(f"{case.name:<24} {case.profile:<12} {case.level:<7} {case.title}. {case.why}")
    context.exit()


def print_schema(context: click.Context, _parameter: click.Parameter, name: str | None) -> None:
    """Prints a JSON Schema for `--schema`."""
    if name is None or context.resilient_parsing:
        return
    from mockserver.generate.fixtures import find_fixtures

    click.echo((find_fixtures() / "contract" / f"{name}.schema.json").read_text("utf-8"), nl=False)
    context.exit()


@click.command()
@click.option("--client", metavar="MODULE:CLASS", help="A Python class; its module is imported from this folder.")
@click.option(
    "--python", metavar="PATH", default=sys.executable, help="The interpreter of --client. Default: this one."
)
@click.option("--run", "script", metavar="COMMAND", help="A program that exports once and ends; {project} is its id.")
@click.option("--reads", metavar="FILE", type=FILE, help="The file that --run writes: rows as NDJSON or a JSON array.")
@click.option("--params", metavar="WORDS", default="", help="The params that --run always sends: label_details,…")
@click.option("--profile", "profiles", multiple=True, metavar="NAME", help="Only cases of this profile; repeatable.")
@click.option("--case", "names", multiple=True, metavar="NAME", help="Only this case; repeatable.")
@click.option("--leave-out", multiple=True, metavar="CASE", help="Not this case; repeatable.")
@click.option("--jobs", default=4, show_default=True, type=click.IntRange(1, 64), help="Cases at the same time.")
@click.option(
    "--silence", default=60.0, show_default=True, type=click.FloatRange(min=0.1), help="Seconds to wait for an answer."
)
@click.option("--strict", is_flag=True, help="Remarks count as failures.")
@click.option("--known-failing", metavar="FILE", type=FILE, help="Names of cases that may fail; a pass is an error.")
@click.option("--baseline", metavar="FILE", type=FILE, help="An earlier --json: only what is worse is an error.")
@click.option("--json", "json_file", metavar="FILE", type=FILE, help="Also write the result as JSON.")
@click.option("--junit", metavar="FILE", type=FILE, help="Also write JUnit XML.")
@click.option("--html", metavar="FILE", type=FILE, help="Also write a page with every exchange.")
@click.option("--summary", metavar="FILE", type=FILE, help="Append a summary in Markdown: $GITHUB_STEP_SUMMARY.")
@click.option("--keep", is_flag=True, help="Serve the workspaces of the cases until Ctrl+C.")
@click.option(
    "--cases", is_flag=True, is_eager=True, expose_value=False, callback=list_cases, help="List the cases and exit."
)
@click.option(
    "--schema",
    is_eager=True,
    expose_value=False,
    callback=print_schema,
    type=click.Choice(["protocol", "result"]),
    help="Print a JSON Schema and exit.",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND…]")
def contract(**options: Any) -> None:
    """Tries your client with every case. Status 0: the contract is kept; 1: not kept; 2: the client cannot be started.

    The client is a Python class (--client), a program in any language that speaks the protocol of docs/contract.md
    (-- COMMAND), or a program that exports into a file and ends (--run and --reads).
    """
    from mockserver.testing.errors import MockServerError

    try:
        passed = run(**options)
    except MockserverError as error:
        fail(error)
    except MockServerError as error:
        fail(StartupError(str(error)))
    raise SystemExit(0 if passed else 1)


def run(
    *, client: str | None, python: str, script: str | None, reads: Path | None, params: str, command: Sequence[str],
    profiles: Sequence[str], names: Sequence[str], leave_out: Sequence[str], jobs: int, silence: float, keep: bool,
    strict: bool, known_failing: Path | None, baseline: Path | None, **files: Path | None,
) -> bool:  # fmt: skip
    """Runs the chosen cases, writes the reports, and returns whether the contract is kept. Raises StartupError."""
    from mockserver.contract import Runner, as_text, choose_cases
    from mockserver.contract.expectations import apply_known_failing, load_baseline, load_known_failing
    from mockserver.testing.server import MockServer

    cases = choose_cases(profiles, names, leave_out)
    known = [] if known_failing is None else load_known_failing(known_failing)
    earlier = None if baseline is None else load_baseline(baseline)
    check_folders(files.values())
    name, start = choose_client(
        client=client, python=python, command=command, script=script, reads=reads, params=params, silence=silence
    )
    with MockServer() as server:
        runner = Runner(server, start, keep=keep)
        runner.probe()
        with show_progress(len(cases), "Trying the client") as done:
            report = runner.run(cases, name=name, jobs=1 if script else jobs, tell=lambda _: done(1))
        report = apply_known_failing(report, known)
        click.echo(as_text(report), nl=False)
        write_reports(report, strict=strict, **files)
        if keep:
            wait_with(server, report)
    if earlier is not None:
        return compare(report, earlier)
    return report.flawless if strict else report.passed


def compare(report: Report, baseline: Any) -> bool:
    """Prints the changes since the baseline, and returns whether nothing is worse."""
    from mockserver.contract.expectations import find_mended, find_regressions

    worse, better = find_regressions(report, baseline), find_mended(report, baseline)
    click.echo(f"Since the baseline: worse: {', '.join(worse) or 'none'}; better: {', '.join(better) or 'none'}")
    return not worse


def choose_client(
    *, client: str | None, python: str, command: Sequence[str], script: str | None, reads: Path | None, params: str,
    silence: float,
) -> tuple[str, Start]:  # fmt: skip
    """The client's name, and how it is started. Raises StartupError."""
    from mockserver.contract import driver
    from mockserver.contract.process import ClientProcess, build_command
    from mockserver.contract.script import Script

    if sum([client is not None, bool(command), script is not None]) != 1:
        raise StartupError(
            "give the client as one of --client MODULE:CLASS, -- COMMAND…, or --run COMMAND --reads FILE"
        )
    if (script is None) != (reads is None):
        raise StartupError("--run and --reads belong together: the command, and the file that it writes")
    if params and script is None:
        raise StartupError("--params belongs to --run; other clients receive the params of each case")
    if script is not None and reads is not None:
        fixed = parse_params(params)
        return script, lambda: Script(script, reads, fixed, silence=silence)
    words = list(command) if client is None else [str(Path(python).expanduser()), str(driver.__file__), client]
    if client is not None and not all(client.partition(":")):
        raise StartupError(f"--client is {client!r}; expected a module and a class, like my_package.exports:Client")
    started = build_command(words, Path.cwd())
    return client or " ".join(command), lambda: ClientProcess(started, silence=silence)


def parse_params(words: str) -> dict[str, bool]:
    """`label_details,attachments` as the SDK's params. Raises StartupError for an unknown word."""
    from mockserver.errors import nearest, quote
    from mockserver.exports.words import PARAMS

    params = [word.strip() for word in words.split(",") if word.strip()]
    for word in params:
        if word not in PARAMS:
            raise StartupError(f"--params has {word!r}; the nearest known are {quote(nearest(word, PARAMS))}")
    return dict.fromkeys(params, True)


def check_folders(files: Iterable[Path | None]) -> None:
    """Raises StartupError for a report that could not be written after all cases have run."""
    for file in files:
        if file is not None and not file.absolute().parent.is_dir():
            raise StartupError(f"{file} cannot be written: there is no folder {file.parent}; create it first")


def write_reports(
    report: Report, *, strict: bool, json_file: Path | None, junit: Path | None, html: Path | None, summary: Path | None
) -> None:
    """Writes the files that were requested, each whole or not at all. Raises StartupError."""
    from mockserver import contract as kit
    from mockserver.folders import write_atomically

    contents: dict[str, tuple[Path | None, Callable[[], bytes]]] = {
        "--json": (json_file, lambda: kit.as_json(report)),
        "--junit": (junit, lambda: kit.as_junit(report, strict=strict)),
        "--html": (html, lambda: kit.as_html(report)),
    }
    for flag, (path, render) in contents.items():
        if path is not None:
            with report_failure(flag, path):
                write_atomically(path, render(), durable=False)
    if summary is not None:
        with report_failure("--summary", summary), summary.open("a", encoding="utf-8") as file:
            file.write(kit.as_summary(report))


@contextmanager
def report_failure(flag: str, path: Path) -> Iterator[None]:
    """Raises StartupError for a file that cannot be written."""
    try:
        yield
    except OSError as error:
        raise StartupError(f"{flag} {path} cannot be written: {error.strerror}") from None


def wait_with(server: MockServer, report: Report) -> None:
    """Serves the workspaces until Ctrl+C, and prints their keys."""
    keys = "\n".join(f"   {result.case.name:<24} {result.api_key}" for result in report.results)
    with suppress(KeyboardInterrupt):  # it may be pressed as soon as the keys are shown
        click.echo(f"\nServed at {server.url} until Ctrl+C; the API key of each case:\n{keys}")
        sys.stdout.flush()
        threading.Event().wait()
