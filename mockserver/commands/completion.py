"""The verb `completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Prints the completion for a shell: eval "$(mockserver completion bash)"."""
    kind = get_completion_class(shell)
    assert kind is not None, "click knows all shells of the choice"
    program = click.get_current_context().find_root().command
    click.echo(kind(program, {}, "mockserver", "_MOCKSERVER_COMPLETE").source())
