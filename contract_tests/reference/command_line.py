"""The page of all verbs, from click."""

import re
import textwrap
from collections.abc import Iterator

import click

from mockserver.__main__ import main

HEAD = """# Reference of the command line

Written by `make fixtures` from the program itself: what `--help` prints, for every verb.
[The command line](command-line.md) says what the verbs are for.
"""
WIDTH = 120
GENERAL = ("server", "workspace", "token", "as_json")
"""Options of every verb that controls a running server; they are explained once."""


def describe_command_line() -> str:
    """Describes every verb, those of groups included, in the order of the alphabet."""
    return "\n".join([HEAD, *_describe_general(), *_describe_group(main, "mockserver")])


def find_commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yields every verb with the words by which it is called."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, f"{path} lists {name}"
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from find_commands(command, f"{path} {name}")


def _describe_group(group: click.Group, path: str) -> Iterator[str]:
    for words, command in find_commands(group, path):
        yield from _describe_command(words, command)


def _describe_general() -> Iterator[str]:
    command = main.get_command(click.Context(main), "clock")
    assert command is not None
    yield "## Options of every verb that controls a running server\n"
    yield from _table([option for option in _options(command) if option.name in GENERAL])


def _describe_command(words: str, command: click.Command) -> Iterator[str]:
    yield f"## {words}\n"
    yield f"```text\n{words} {_usage(command)}\n```\n"
    yield textwrap.fill(_clean(command.help or ""), WIDTH, break_long_words=False, break_on_hyphens=False) + "\n"
    options = _options(command)
    general = [option for option in options if option.name in GENERAL]
    if len(general) == len(GENERAL):
        options = [option for option in options if option not in general]
        yield "Controls a running server.\n"
    if options:
        yield from _table(options)


def _usage(command: click.Command) -> str:
    return " ".join(command.collect_usage_pieces(click.Context(command)))


def _options(command: click.Command) -> list[click.Option]:
    return [item for item in command.params if isinstance(item, click.Option) and not item.hidden]


def _table(options: list[click.Option]) -> Iterator[str]:
    yield "| option | environment | meaning |\n|---|---|---|"
    yield from (
        f"| {_names(option)} | {_variable(option)} | {_describe(option)} |".replace("|  |", "| |") for option in options
    )
    yield ""


def _names(option: click.Option) -> str:
    names = "/".join([max(option.opts, key=len), *option.secondary_opts])
    takes = "" if option.is_flag or option.count else f" {option.make_metavar(click.Context(main))}"
    return _code(names + takes)


def _variable(option: click.Option) -> str:
    names = [option.envvar] if isinstance(option.envvar, str) else list(option.envvar or ())
    return ", ".join(map(_code, names))


def _describe(option: click.Option) -> str:
    words = [_clean(option.help or "")]
    if option.required:
        words.append("Required.")
    if option.multiple and "repeat" not in words[0]:
        words.append("May be repeated.")
    if option.show_default and isinstance(option.default, str | int | float) and not option.is_flag:
        words.append(f"Default: {_code(str(option.default))}.")
    return " ".join(words).replace("|", r"\|")


def _code(text: str) -> str:
    return "`" + text.replace("|", r"\|") + "`"


def _clean(text: str) -> str:
    """Returns a help text as one line."""
    return re.sub(r"\s+", " ", text.replace("\b", "")).strip()
