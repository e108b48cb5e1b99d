"""The command line."""

from __future__ import annotations

import logging
from functools import cached_property
from importlib import import_module

import click

from mockserver import __version__

COMMANDS = {
    "completion": "completion:completion",
    "contract": "contract:contract",
    "demo": "demo:demo",
    "env": "execute:env",
    "exec": "execute:execute",
    "generate": "generate:generate",
    "prepare": "scenarios:prepare",
    "scenario": "scenario:scenario",
    "scenarios": "scenarios:scenarios",
    "serve": "serve:serve",
    "webhook": "webhook:webhook",
}
"""Verbs, and where in `mockserver/commands` they are. Those that control a running server are in `commands/control`."""


class Commands(click.Group):
    """The verbs, each imported when it is used: a server is ready sooner without the others."""

    @cached_property
    def control_commands(self) -> dict[str, click.Command]:
        from mockserver.commands.control import build_commands

        return {str(command.name): command for command in build_commands()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*COMMANDS, *self.control_commands])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return self.control_commands.get(cmd_name)
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(f"mockserver.commands.{module}"), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="mockserver")
def main() -> None:
    """A self-hosted mock of Labelbox's export side, for tests and CI."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")


if __name__ == "__main__":
    main()
