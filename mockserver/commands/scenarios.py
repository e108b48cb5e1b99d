"""The verbs `scenarios` and `prepare`: which worlds there are, and one made in advance."""

from __future__ import annotations

import click

from mockserver.commands.bars import show_generation
from mockserver.commands.options import ENDS, SCENARIO, SEED, fail
from mockserver.errors import StartupError
from mockserver.places import cache_folder


@click.command()
@SCENARIO
@SEED
@ENDS
def prepare(scenario: str, seed: int, ends: str | None) -> None:
    """Generates a scenario's world now, so that a server with it starts immediately."""
    from mockserver.generate.prepared import prepare_world, watch_progress

    try:
        with watch_progress(show_generation):
            world = prepare_world(scenario, seed=seed, ends=ends, cache=cache_folder())
    except StartupError as error:
        fail(error)
    click.echo(world.path)


@click.command()
def scenarios() -> None:
    """Lists the scenarios that come with the package."""
    from mockserver.generate import scenario, scenario_files

    for name in scenario_files.list_scenarios():
        click.echo(f"{name:<12} {scenario.load(scenario_files.find(name)).description}")
