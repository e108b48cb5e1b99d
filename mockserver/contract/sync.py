"""The cases about incremental sync: the client reads the changes since a timestamp, over days of the world's time."""

from __future__ import annotations

from typing import Any

from mockserver.contract.cases import Case, Check, Profile
from mockserver.contract.trial import Trial

IMAGE = {"project": "image"}
BEGIN = "2025-03-01T12:00:00Z"
Json = dict[str, Any]


def follow(*days: tuple[str, ...]) -> Check:
    """Exports everything, then reads the changes of each day. `days`: the events of each."""

    def check(trial: Trial) -> None:
        clock = trial.workspace.clock
        clock.freeze()
        moment = clock.set(BEGIN)
        trial.check_export(IMAGE)
        for events in days:
            clock.advance(hours=1)
            for event in events:
                trial.workspace.event(event, "image")
                clock.advance(hours=2)
            _read_changes(trial, moment)
            moment = clock.advance(days=1)

    return check


def _change_in_its_second(trial: Trial) -> None:
    """Something happens in the very second of the timestamp; `>=` finds it, `>` does not."""
    clock = trial.workspace.clock
    clock.freeze()
    moment = clock.set(BEGIN)
    trial.check_export(IMAGE)
    trial.workspace.event("LABEL_UPDATED", "image")
    _read_changes(trial, moment)


def _read_changes(trial: Trial, moment: str) -> None:
    """Compares the changes since a timestamp, in whole seconds as filters have them."""
    trial.exports += 1
    since = moment.partition(".")[0] + "Z" if "." in moment else moment
    rows = list(trial.client.call("changed_since", moment=since))
    trial.compare(rows, trial.load_expected(IMAGE, {}, {"last_activity_at": [since, None]}))


SYNC = (
    Case(
        "sync-one-day", Profile.SYNC, "the changes of a day",
        follow(("LABEL_CREATED", "LABEL_UPDATED", "REVIEW_CREATED")),
        "Rows with any activity since the timestamp, and no others.", operation="changed_since", mistake="sync-differs",
    ),
    Case(
        "sync-nothing", Profile.SYNC, "a day without changes", follow(()),
        "Nothing has changed: no rows, and no error.", operation="changed_since", mistake="sync-differs",
    ),
    Case(
        "sync-same-second", Profile.SYNC, "a change in the second of the timestamp", _change_in_its_second,
        "The timestamp itself belongs to the changes, or what happens in that second is never read.",
        operation="changed_since", mistake="sync-differs",
    ),
    Case(
        "sync-deleted", Profile.SYNC, "a label that was deleted", follow(("LABEL_DELETED",)),
        "The row is there without its label, or an old label stays for ever.", operation="changed_since",
        mistake="sync-differs",
    ),
    Case(
        "sync-week", Profile.SYNC, "the changes of several days, each read by itself",
        follow(("LABEL_CREATED",), (), ("LABEL_UPDATED", "LABEL_DELETED"), ("WORKFLOW_ACTION",)),
        "A change is read once, on its day.", operation="changed_since", mistake="sync-differs",
    ),
)  # fmt: skip
