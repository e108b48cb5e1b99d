"""The home page: where the server is, how to reach it, what is in its world, and the world's own settings."""

from __future__ import annotations

import typing
from typing import NamedTuple

import msgspec
import orjson
from starlette.responses import Response

from mockserver.console.counts import find_counts
from mockserver.console.listing import Listing, build_listing
from mockserver.console.snippets import build_snippets
from mockserver.console.view import View
from mockserver.generate.scenario_files import list_scenarios
from mockserver.world.records.labels import WorkflowStatus
from mockserver.world.switches import Switches

MOST_LISTED = 200
"""Projects, datasets, slices and model runs on the page, of each; a scenario may have thousands."""
STATUSES = {
    WorkflowStatus.TO_LABEL: "To label",
    WorkflowStatus.IN_REVIEW: "In review",
    WorkflowStatus.IN_REWORK: "In rework",
    WorkflowStatus.DONE: "Done",
}
NOT_YET = (
    ("Other annotations for a label in frames", "`label.update` is refused for clips, volumes and sounds"),
    ("Permissions", "a client with a created API key acts as the owner of the workspace, whatever the role of the key"),
    (
        "Refused by name",
        "sign-ins of users, and performance reports as files; of the metrics of performance there are three",
    ),
    (
        "Parts of imports",
        (
            "masks of clips with answers below them are refused; masks at URLs of other servers are imported without "
            "pixels, as nothing is fetched; metrics of predictions are kept, and no export has them"
        ),
    ),
    (
        "Media types in batches",
        (
            "a batch takes data rows of any media type; the service leaves out those of another one than the "
            "project's, but here nothing is fetched, and many names of files do not show their type"
        ),
    ),
    (
        "Several servers on one state folder",
        "its files belong to one server at a time; several share a PostgreSQL database",
    ),
    ("A journal in a state folder", "it is in memory, and a restart empties it; PostgreSQL keeps it"),
)
"""README.md says the same, and a test compares them."""
PACES = ('"at_once"', '{"looks":1}', '{"looks":3}', '{"seconds":10}', '{"seconds":60}')
"""The progressions that the page offers, as JSON."""


class Choice(NamedTuple):
    """A setting with its value and the values that it can have."""

    name: str
    value: str
    values: list[str]


def show_home(view: View) -> Response:
    """Shows the home page."""
    counts = find_counts(view.workspace.store)
    with view.snapshot() as connection:
        listing = counts.get("listing", lambda: build_listing(connection))
    settings = view.workspace.settings
    # The largest project has most to see.
    subject = max((item for item in listing.projects if item.total), key=lambda item: item.total, default=None)
    world = view.workspace.world
    snippets = build_snippets(
        view.url, view.api_key, world.organization_id, None if subject is None else subject.project.id
    )
    return view.render(
        "home.html",
        world=world,
        listing=listing,
        subject=subject,
        snippets=snippets,
        statuses=STATUSES,
        most=MOST_LISTED,
        not_yet=NOT_YET,
        switches=list_switches(settings.switches),
        progressions=list_progressions(msgspec.to_builtins(settings.progression)),
        faults=view.workspace.faults.list_states(),
        scenarios=list_scenarios(),
        keys=view.workspaces.list_keys() if view.has_access else [],
        totals=count_all(listing),
    )


def count_all(listing: Listing) -> dict[str, int]:
    """Counts what the world has of each kind."""
    return {
        "projects": len(listing.projects),
        "datasets": len(listing.datasets),
        "slices": len(listing.slices),
        "model runs": len(listing.runs),
    }


def list_switches(switches: Switches) -> list[Choice]:
    """Lists the switches of a workspace with the forms that each can have."""
    hints = typing.get_type_hints(Switches)
    return [
        Choice(name, getattr(switches, name), list(typing.get_args(hints[name]))) for name in Switches.__struct_fields__
    ]


def list_progressions(progression: dict[str, object]) -> list[Choice]:
    """Lists the progressions of a workspace. A value that is set and not among PACES is offered, too."""
    current = {name: orjson.dumps(value).decode() for name, value in progression.items()}
    return [Choice(name, value, [*PACES, *([value] if value not in PACES else [])]) for name, value in current.items()]
