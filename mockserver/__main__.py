"""The command line."""

from __future__ import annotations

import logging
from functools import cached_property
from importlib import import_module

import click

from mockserver import __version__
from mockserver.errors import nearest

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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Names the nearest verb in the refusal of one that does not exist."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            near = ", ".join(nearest(args[0], self.list_commands(ctx), most=3))
            ctx.fail(f"there is no verb {args[0]!r}; the nearest are {near}")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="mockserver")
def main() -> None:
    """A self-hosted mock of Labelbox's export side, for tests and CI."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")


if __name__ == "__main__":
    main()
