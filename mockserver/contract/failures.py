"""The cases about errors, and about exports that take time."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from mockserver.contract import service
from mockserver.contract.cases import Case, Check, Profile, World
from mockserver.contract.process import ClientError, shorten
from mockserver.contract.ticking import Ticking
from mockserver.contract.trial import Trial

Json = dict[str, Any]
IMAGE = {"project": "image"}
SENTENCE = "The picture cannot be read"


def expect_error(mistake: str, scope: Json, prepare: Callable[[Trial], Any] = lambda trial: None) -> Check:
    """The client must raise an error; `mistake` is the name of giving rows instead."""

    def check(trial: Trial) -> None:
        prepare(trial)
        try:
            rows = trial.export_rows(scope)
        except ClientError as error:
            if error.not_offered:
                raise
            trial.note(error)
            return
        trial.find(mistake, f"it raised nothing, and gave {len(rows)} rows")

    return check


def _fail_two_rows(trial: Trial) -> None:
    """A client may give the other rows and list the failed ones, or raise an error."""
    failing = [row["data_row"]["id"] for row in trial.load_expected(IMAGE)[3:5]]
    _check_failing(trial, failing)


def _fail_every_row(trial: Trial) -> None:
    _check_failing(trial, [row["data_row"]["id"] for row in trial.load_expected(IMAGE)])


def _check_failing(trial: Trial, failing: list[str]) -> None:
    trial.workspace.fail_exports(SENTENCE, data_rows=failing)
    try:
        rows = trial.export_rows(IMAGE)
    except ClientError as error:
        if error.not_offered:
            raise
        trial.note(error)
        return
    trial.compare(rows, [row for row in trial.load_expected(IMAGE) if row["data_row"]["id"] not in failing])
    if "export_errors" not in trial.offers:
        trial.find("errors-ignored", f"{len(failing)} data rows failed, and it raised nothing and has no export_errors")
        return
    errors = list(trial.client.call("export_errors"))
    missing = [row_id for row_id in failing if not any(row_id in json.dumps(error) for error in errors)]
    if missing:
        trial.find("errors-ignored", f"export_errors names {len(errors)} errors, and not those of {', '.join(missing)}")


def _no_errors(trial: Trial) -> None:
    trial.check_export(IMAGE)
    errors = list(trial.client.call("export_errors"))
    if errors:
        trial.find("wrong-types", f"export_errors gave {shorten(errors)} of an export without errors")


def _errors_of_another(trial: Trial) -> None:
    """The first export has errors, and the second one has none."""
    _fail_two_rows(trial)
    trial.check_export(IMAGE)
    if "export_errors" in trial.offers and (errors := list(trial.client.call("export_errors"))):
        trial.find("errors-stale", f"export_errors gave {shorten(errors)} of an export without errors")


def _wrong_key(trial: Trial) -> None:
    """The client is opened again, with a key that names no workspace."""
    with suppress(ClientError):
        trial.client.close()
    try:
        trial.open(api_key="no-such-key")
        rows = trial.export_rows(IMAGE)
    except ClientError as error:
        trial.note(error)
        return
    trial.find("refusal-hidden", f"it raised nothing, and gave {len(rows)} rows")


ERRORS = (
    Case(
        "failed-rows", Profile.ERRORS, "an export of which two data rows fail", _fail_two_rows,
        "They are missing in the result, and only the stream of errors names them.",
    ),
    Case(
        "all-rows-failed", Profile.ERRORS, "an export of which every data row fails", _fail_every_row,
        "There is a stream of errors, and no result.",
    ),
    Case(
        "no-errors", Profile.ERRORS, "the errors of an export without errors", _no_errors,
        "The stream of errors has no header if there are none.", operation="export_errors",
    ),
    Case(
        "errors-again", Profile.ERRORS, "an export without errors after one with errors", _errors_of_another,
        "Each export has a stream of errors of its own.", operation="export_errors",
    ),
    Case(
        "failed-export", Profile.ERRORS, "an export that fails",
        expect_error("failure-hidden", IMAGE, lambda trial: trial.workspace.fail_exports(SENTENCE)),
        "A failed task has no result, which looks like an export without rows.",
    ),
    Case(
        "unknown-project", Profile.ERRORS, "a project that does not exist",
        expect_error("refusal-hidden", {"project": "c000000000000000000000000"}),
        "The answer has status 200 and `errors`.",
    ),
    Case(
        "wrong-key", Profile.ERRORS, "an API key that is not known", _wrong_key,
        "The answer has the code AUTHENTICATION_ERROR.",
    ),
)  # fmt: skip


def _ten_minutes(trial: Trial) -> None:
    with Ticking(trial.workspace, seconds=120, every=0.5):
        trial.check_export(IMAGE)


def _cancel(trial: Trial) -> None:
    with Ticking(trial.workspace, seconds=0, every=0.3, then=lambda: service.cancel_exports(trial.workspace)):
        expect_error("cancel-hidden", IMAGE)(trial)


ASYNC = (
    Case(
        "three-polls", Profile.ASYNC, "an export that is ready at the fourth poll",
        lambda trial: trial.check_export(IMAGE),
        "The task is IN_PROGRESS at first.", world=World(exports={"looks": 3}), mistake="not-waited",
    ),
    Case(
        "ten-minutes", Profile.ASYNC, "an export of ten minutes", _ten_minutes,
        "Large exports take minutes; the clock of the workspace makes them pass quickly.",
        world=World(exports={"seconds": 600}), mistake="not-waited",
    ),
    Case(
        "failed-later", Profile.ASYNC, "an export that fails after two polls",
        expect_error("failure-hidden", IMAGE, lambda trial: trial.workspace.fail_exports(SENTENCE)),
        "A task is IN_PROGRESS first, and may fail after that.", world=World(exports={"looks": 2}),
    ),
    Case(
        "cancelled", Profile.ASYNC, "an export that somebody cancels", _cancel,
        "A cancelled task has no result.", world=World(exports={"looks": 1000}),
    ),
)  # fmt: skip
