"""The table of verbs: which call each makes, what it takes, and how its answer is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import click

from mockserver.commands.control.text import (
    Render,
    build_table_renderer,
    render_deliveries,
    render_health,
    render_keys,
    render_pairs,
)
from mockserver.commands.control.values import Json, Pace, Schedule, Words
from mockserver.commands.durations import Duration

LAST = "last"


class Verb(NamedTuple):
    """A verb of the command line. Parameters have the names of the keys of the body, or of the query of a GET.

    `path` is below `/_mock/`; a name in braces is that of a parameter. `reads`: without any option it is a GET of the
    same path. `pages` is the key of a list that is read page by page. `finish` changes the body before it is sent.
    """

    name: str
    summary: str
    method: str
    path: str
    params: tuple[click.Parameter, ...] = ()
    render: Render = render_pairs
    reads: bool = False
    pages: str | None = None
    about_a_workspace: bool = True
    finish: Callable[[dict[str, Any]], dict[str, Any]] = dict


def option(name: str, help_text: str, kind: Any = None, **more: Any) -> click.Option:
    """`data_row` becomes `--data-row`."""
    return click.Option([f"--{name.replace('_', '-')}", name], type=kind, help=help_text, **more)


def flag(name: str, help_text: str) -> click.Option:
    return click.Option([f"--{name.replace('_', '-')}", name], is_flag=True, default=None, help=help_text)


def many(name: str, key: str, help_text: str) -> click.Option:
    """An option that may be repeated, for a list under `key`."""
    return click.Option([f"--{name}", key], multiple=True, help=f"{help_text}; may be repeated.")


def argument(name: str, **more: Any) -> click.Argument:
    return click.Argument([name], **more)


def _set_switches(body: dict[str, Any]) -> dict[str, Any]:
    return _parse_pairs(body.pop("changes", ()))


def _parse_pairs(texts: Iterable[str]) -> dict[str, str]:
    """`frames=direct` becomes a key and its value. Raises UsageError."""
    pairs = [text.partition("=") for text in texts]
    wrong = next((name for name, equals, value in pairs if not (name and equals and value)), None)
    if wrong is not None:
        raise click.UsageError(f"{wrong!r} has no value; expected NAME=VALUE, for example frames=direct")
    return {name: value for name, _, value in pairs}


def _describe_workspace(body: dict[str, Any]) -> dict[str, Any]:
    """The body of a new workspace. Its key is `--key`: `--api-key` names the workspace that a verb is about."""
    switches = {"switches": _parse_pairs(body.pop("switches"))} if "switches" in body else {}
    return {"api_key" if name == "key" else name: value for name, value in body.items()} | switches


NEW_KEY = option("key", "The API key of the new workspace. Default: random.")
INCARNATION = option("incarnation", "Repeats the ids of tasks of a workspace that had the same.")
FORMS = (many("switch", "switches", "A switch of it, like frames=direct"), INCARNATION)
WORKSPACE = (
    option("scenario", "Name, or a file of the server's machine."),
    option("seed", "The seed of its world.", int),
    option("ends", "When its generated history ends."),
    option("payload_date", "Write exports as the service did then."),
    NEW_KEY,
    *FORMS,
)
WEBHOOK = (
    option("secret", "The secret that messages are signed with."),
    many("topic", "topics", "A topic to send"),
    option("version", "Form of bodies: v1 or v2."),
    option("retries", "default, none, or seconds with commas between them.", Schedule()),
    option("ordered", "true: each message after the one before it.", click.BOOL),
    option("concurrency", "Messages at the same time.", int),
    option("timeout", "Seconds for an answer.", float),
    option("misbehave", "How messages go wrong (docs/webhooks.md)."),
)
PROJECT = option("project", "A project, by name or id.")

VERBS: tuple[Verb, ...] = (
    Verb("health", "Says whether the server is ready. Status 0 if it is.", "GET", "health",
         (option("wait", "Wait so many seconds for it.", Duration()),), render=render_health, about_a_workspace=False),
    Verb("metrics", "Prints the numbers of the server in the text format of Prometheus.", "GET", "metrics",
         about_a_workspace=False),
    Verb("replicas", "Lists the servers that share the workspaces, and how many each one serves.", "GET", "replicas",
         render=build_table_renderer("replicas", "number", "name", "address", "version", "heartbeat_age", "workspaces"),
         about_a_workspace=False),
    Verb("ready", "Shows addresses, key and ids of a workspace.", "GET", "ready"),
    Verb("workspaces", "Lists the API keys of all workspaces.", "GET", "workspaces", render=render_keys,
         about_a_workspace=False),
    Verb("workspaces create", "Creates a workspace from a scenario.", "POST", "workspaces", WORKSPACE,
         finish=_describe_workspace, about_a_workspace=False),
    Verb("workspaces delete", "Deletes a workspace with everything in it.", "DELETE", "workspaces/{key}",
         (argument("key"),), about_a_workspace=False),
    Verb("fork", "Creates a workspace that begins with the world of another.", "POST", "workspaces",
         (NEW_KEY, option("payload_date", "Write exports as the service did then."), *FORMS),
         finish=_describe_workspace),
    Verb("reset", "Resets a workspace to the beginning of its world.", "POST", "reset", (INCARNATION,)),
    Verb("clock", "Shows the clock of a workspace, or moves it.", "POST", "clock", (
        option("advance", "Move it forward: seconds, or 2d, 1h30m.", Duration()),
        option("set", "Set it to a date-time, ISO 8601."),
        click.Option(["--freeze/--thaw", "freeze"], default=None, help="Stop it, or let it run again."),
    ), reads=True),
    Verb("progression", "Shows how fast exports finish, or changes it.", "POST", "progression", (
        option("exports", "at_once, looks=2 or seconds=5.", Pace()),
        option("imports", "The same for imports of data rows.", Pace()),
        option("processing", "The same for changes that the service works on for a while.", Pace()),
    ), reads=True),
    Verb("switches", "Shows which known forms are imitated, or chooses others: frames=direct.", "POST", "switches",
         (argument("changes", nargs=-1, metavar="NAME=VALUE…"),), reads=True, finish=_set_switches),
    Verb("key", "Shows whether the API key is accepted; or revokes it, or accepts it again.", "POST", "key",
         (click.Option(["--revoke/--accept", "revoked"], default=None, help="Refuse clients with it, or not."),),
         reads=True),
    Verb("event", "Makes something happen in a project: LABEL_CREATED image.", "POST", "events", (
        argument("event"),
        argument("project"),
        option("data_row", "Which data row, by id or global key."),
        option("label", "Which label, by id."),
        option("annotations", "Those of the label, as JSON or @FILE: lines of an import.", Json()),
        option("by", "Which user: an id, email or name."),
        option("at", "When: a date-time that the clock has passed."),
        option("score", "The verdict of a review: 1 or -1.", int),
        option("text", "The text of an issue, a comment or the metadata field tag."),
    )),
    Verb("events", "Makes many events happen together: all of them, or none.", "POST", "events/many",
         (argument("events", type=Json(), metavar="JSON|@FILE"),),
         render=build_table_renderer("events", "event", "at", "data_row_id", "label_id")),
    Verb("simulate", "Lets a team work for some days of the clock.", "POST", "simulate", (
        option("days", "How many.", int, required=True),
        option("seed", "Same seed, same events.", int),
        many("project", "projects", "Only in this project"),
        option("events_per_day", "How many events on each day.", int),
        option("new_rows", "How many data rows arrive on each day.", int),
    )),
    Verb("webhooks", "Lists the webhooks of a workspace.", "GET", "webhooks",
         render=build_table_renderer("webhooks", "id", "status", "version", "topics", "dropped", "url")),
    Verb("webhooks add", "Subscribes a receiver.", "POST", "webhooks", (argument("url"), *WEBHOOK, PROJECT)),
    Verb("webhooks change", "Changes a webhook; `last` is the newest.", "PATCH", "webhooks/{webhook}", (
        argument("webhook", default=LAST), *WEBHOOK, option("target", "Another URL."),
        option("status", "ACTIVE, INACTIVE or REVOKED."),
        option("overlap", "How long the secret before a new one stays valid: seconds, or 1d.", Duration()),
    ), finish=lambda body: {"url" if name == "target" else name: value for name, value in body.items()}),
    Verb("webhooks delete", "Deletes a webhook; `last` is the newest.", "DELETE", "webhooks/{webhook}",
         (argument("webhook"),)),
    Verb("webhooks replay", "Sends all events since a date-time again.", "POST", "webhooks/{webhook}/replay",
         (argument("webhook", default=LAST), option("since", "A date-time of the world's clock.", required=True))),
    Verb("webhooks statistics", "Counts deliveries and attempts, and how long answers take.", "GET",
         "webhooks/{webhook}/statistics", (argument("webhook", default=LAST),)),
    Verb("deliveries", "Lists deliveries, oldest first.", "GET", "deliveries", (
        option("webhook", "Only of this webhook; `last` is the newest."),
        option("state", "Only in this state: PENDING, DELIVERED, FAILED or STOPPED."),
        option("topic", "Only of this topic."),
        option("id", "Only this one; `last` is the newest."),
        option("wait", "Wait so many seconds until nothing is due.", float),
    ), render=render_deliveries, pages="deliveries"),
    Verb("deliveries redeliver", "Sends a delivery again; `last` is the newest.", "POST",
         "deliveries/{delivery}/redeliver", (argument("delivery", default=LAST),)),
    Verb("deliveries failed", "Sends all failed deliveries again, since a date-time or of one webhook.", "POST",
         "redeliver", (
        option("since", "A date-time of the world's clock."),
        option("webhook", "Only of this webhook; `last` is the newest."),
    )),
    Verb("expected", "Prints the rows that a correct export contains, as NDJSON.", "POST", "expected", (
        PROJECT,
        option("dataset", "A dataset, by name or id."),
        option("slice", "A catalog slice, by name or id."),
        option("model_run", "A model run, by name or id."),
        many("data-row", "data_rows", "A data row, by id"),
        many("global-key", "global_keys", "A data row, by its global key"),
        flag("catalog", "The whole catalog."),
        option("params", "Sections with commas between them: project_details,attachments.", Words()),
        option("filters", "The SDK's filters, as JSON or @FILE.", Json()),
        option("task_id", "The export that the rows must equal."),
    )),
    Verb("faults", "Lists the faults of a workspace, and how often each has hit.", "GET", "faults",
         render=build_table_renderer("faults", "id", "rule", "calls", "hits", "ended")),
    Verb("faults show", "Shows one fault.", "GET", "faults/{fault}", (argument("fault"),)),
    Verb("faults add", "Requests a fault (docs/faults.md): by default it hits the next call.", "POST", "faults", (
        argument("fault"),
        option("operation", "Only this GraphQL operation or root field."),
        option("path", "Only this path; * is any text."),
        option("method", "Only this method."),
        option("first", "The first matching call that it hits.", int),
        option("times", "How many calls it hits, or every.", Json()),
        option("share", "The share of the calls that it hits, 0 to 1.", float),
        option("seed", "Which of them.", int),
        option("when", "before the request is carried out, or after.", click.Choice(["before", "after"])),
        option("until", "When it ends, by the world's clock."),
        option("lasts", "How long it lasts, by the world's clock.", Duration()),
        option("status", "The status of the answer.", int),
        option("code", "The code of the error."),
        option("message", "The text of the error."),
        option("seconds", "How late the answer is.", float),
        option("spread", "How much later it may be.", float),
        option("bytes", "How many bytes.", int),
        option("rate", "Bytes a second.", int),
        option("limit", "Calls that pass in each window.", int),
        option("window", "Seconds of a window.", float),
        option("keep", "Every how many lines one is kept.", int),
        many("data-row", "data_rows", "A data row that fails, by id or global key"),
    )),
    Verb("faults delete", "Removes one fault.", "DELETE", "faults/{fault}", (argument("fault"),)),
    Verb("faults clear", "Removes all faults.", "DELETE", "faults"),
    Verb("requests", "Lists the requests of clients.", "GET", "requests", (
        option("operation", "Only this GraphQL operation or root field."),
        option("path", "Only this path; * is any text."),
        option("method", "Only this method."),
        option("status", "Only with this status.", int),
        option("since", "Only since this date-time."),
        option("limit", "At most so many.", int),
        option("order", "oldest or newest first."),
        option("bodies", "false: without headers and bodies.", click.BOOL),
        flag("not_understood", "Only those of which something was not understood."),
        flag("unclaimed", "Those that belong to no workspace."),
    ), render=build_table_renderer("requests", "number", "world_time", "method", "path", "operation", "status")),
    Verb("requests clear", "Forgets the requests of clients.", "DELETE", "requests",
         (flag("unclaimed", "Those that belong to no workspace."),)),
    Verb("requests verify", "Compares the requests of clients with expected ones. Status 1 if they differ.", "POST",
         "requests/verify", (
        option("expect", "A list of expectations, as JSON or @FILE (docs/journal.md).", Json(), required=True),
        flag("in_order", "In this order."),
        flag("only", "And no others."),
    )),
)  # fmt: skip
