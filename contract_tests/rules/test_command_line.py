"""The verbs of the command line beside `serve`, and what holds for all of them."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from contract_tests.rules.commands.starting import ready, run, serve_in
from mockserver import __version__
from mockserver.__main__ import COMMANDS, main
from mockserver.generate.scenario_files import list_scenarios


def test_each_verb_has_the_name_by_which_it_is_called() -> None:
    context = click.Context(main)
    verbs = main.list_commands(context)
    commands = [main.get_command(context, verb) for verb in verbs]
    assert [command.name for command in commands if command] == verbs
    assert len(set(verbs)) == len(verbs) > len(COMMANDS)


def test_every_verb_is_on_the_page_of_the_command_line() -> None:
    page = (Path(__file__).parents[2] / "docs/command-line.md").read_text("utf-8")
    cells = " ".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    assert [verb for verb in main.list_commands(click.Context(main)) if not re.search(f"`{verb}[` ]", cells)] == []


@pytest.mark.parametrize(
    ("typed", "verb"), [("sevre", "serve"), ("scenarois", "scenarios"), ("deliverys", "deliveries")]
)
def test_a_misspelt_verb_is_refused_with_the_nearest_ones(typed: str, verb: str) -> None:
    ended = run(typed)
    assert ended.returncode == 2
    assert f"there is no verb '{typed}'; the nearest are" in ended.stderr
    assert verb in ended.stderr.splitlines()[-1]


def test_a_verb_imports_no_other_verb() -> None:
    program = "import sys; from mockserver.__main__ import main; main(['serve', '--help'], standalone_mode=False)\n"
    program += "print(*sorted(name for name in sys.modules if name.startswith('mockserver.')))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    modules = set(printed.splitlines()[-1].split())
    assert "mockserver.commands.serve" in modules
    assert not modules & {f"mockserver.commands.{name}" for name in ("contract", "control", "execute", "webhook")}
    assert "mockserver.app" not in modules


def test_the_scenarios_are_listed_with_what_they_are() -> None:
    ended = run("scenarios")
    assert ended.returncode == 0
    assert [line.split()[0] for line in ended.stdout.splitlines()] == list_scenarios()
    assert all(len(line.split()) > 4 for line in ended.stdout.splitlines())


def test_prepare_makes_the_world_that_serve_then_finds(tmp_path: Path) -> None:
    prepared = run("prepare", "--seed", "5", LABELBOX_MOCKSERVER_CACHE=str(tmp_path))
    again = run("prepare", "--seed", "5", LABELBOX_MOCKSERVER_CACHE=str(tmp_path))
    [world] = (tmp_path / "worlds").iterdir()
    assert prepared.stdout == again.stdout == f"{world}\n"
    with serve_in(tmp_path, "--seed", "5", LABELBOX_MOCKSERVER_CACHE=str(tmp_path)) as process:
        ready(process, tmp_path)
    assert [path.name for path in (tmp_path / "worlds").iterdir()] == [world.name]


@pytest.mark.parametrize("flags", [["--scenario", "nobody"], ["--ends", "yesterday"], ["--seed", "9" * 30]])
def test_prepare_refuses_in_one_line_too(flags: list[str], tmp_path: Path) -> None:
    ended = run("prepare", *flags, LABELBOX_MOCKSERVER_CACHE=str(tmp_path))
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1), ended.stderr
    assert list(tmp_path.rglob("*.part")) == []


def test_a_large_world_is_announced_where_no_bar_can_be_seen(tmp_path: Path) -> None:
    mine = tmp_path / "large.toml"
    mine.write_text(
        'description = "d"\npeople = 1\n[ontologies.o]\nmedia = "text"\n[[projects]]\nname = "p"\nmedia = "text"\n'
        'ontology = "o"\nlabelled = 0\nskipped = 0\nunlabelled = 20_000\nembeddings = false\n'
    )
    prepared = run("prepare", "--scenario", str(mine), LABELBOX_MOCKSERVER_CACHE=str(tmp_path))
    assert prepared.stderr == "Generating a world of 20,000 data rows, once; it is cached for the next start.\n"
    assert Path(prepared.stdout.strip()).is_file()
    assert run("prepare", "--scenario", str(mine), LABELBOX_MOCKSERVER_CACHE=str(tmp_path)).stderr == ""


@pytest.mark.parametrize("flags", [["--help"], ["-h"], ["prepare", "-h"], *([verb, "--help"] for verb in COMMANDS)])
def test_help_is_given_by_an_interpreter_that_runs_the_program(flags: list[str]) -> None:
    ended = subprocess.run([sys.executable, "-m", "mockserver", *flags], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Usage:" in ended.stdout


def test_the_version_is_printed() -> None:
    assert __version__ in run("--version").stdout
