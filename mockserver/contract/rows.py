"""The cases about rows: every scope, params, filters, several files, every media type, hard texts."""

from __future__ import annotations

from typing import Any

from mockserver.certification.cases import Level
from mockserver.contract import service
from mockserver.contract.cases import Case, Check, Profile, World
from mockserver.contract.comparison import compare_rows
from mockserver.contract.trial import Trial
from mockserver.world.media import MEDIA

Json = dict[str, Any]

_SECTIONS = (
    *("attachments", "metadata_fields", "embeddings", "data_row_details", "project_details", "label_details"),
    "performance_details",
)
EVERY_SECTION = dict.fromkeys(_SECTIONS, True)
IMAGE = {"project": "image"}
SCRIPTS = World(scenario="scripts", switches={"characters": "utf-8"})


def export(scope: Json, params: Json | None = None, filters: Json | None = None, *, exact: bool = False) -> Check:
    """Exports once, and compares. `exact`: the case is about its params."""
    return lambda trial: trial.check_export(scope, params, filters, exact=exact)


def _export_chosen(kind: str, key: str) -> Check:
    """Exports some data rows, by their ids or global keys."""

    def check(trial: Trial) -> None:
        rows = trial.load_expected(IMAGE)
        trial.check_export({kind: [row["data_row"][key] for row in rows[2:5]]})

    return check


def _filter_by_ids(trial: Trial) -> None:
    rows = trial.load_expected(IMAGE)
    trial.check_export(IMAGE, {}, {"data_row_ids": [row["data_row"]["id"] for row in rows[1:9:2]]})


def _export_empty(trial: Trial) -> None:
    trial.check_export(IMAGE, {}, {"label_created_at": ["2000-01-01", "2000-01-02"]})


def _export_twice(trial: Trial) -> None:
    trial.check_export(IMAGE)
    trial.check_export({"project": "text"}, {"label_details": True})


def _export_changed(trial: Trial) -> None:
    """Exports again after a change: a client that caches gives old labels."""
    params = {"label_details": True}
    trial.check_export(IMAGE, params)
    before = trial.load_expected(IMAGE, params)
    trial.workspace.event("LABEL_DELETED", "image")
    trial.workspace.event("LABEL_CREATED", "image")
    rows, expected = trial.export_rows(IMAGE, params), trial.load_expected(IMAGE, params)
    if not compare_rows(without_links(rows), without_links(before)):
        trial.find("stale-rows", "labels were deleted and created, and it gave the rows of the export before that")
    else:
        trial.compare(rows, expected)


def without_links(rows: list[Any]) -> list[Any]:
    """The rows without the URLs of their files, which have other signatures after each export."""
    return [
        {**row, "data_row": {**row["data_row"], "row_data": ""}} if isinstance(row, dict) and "data_row" in row else row
        for row in rows
    ]


def _export_namesakes(trial: Trial) -> None:
    """Three data rows have one external id, and one has no global key."""
    rows = [row["data_row"] for row in trial.load_expected(IMAGE)]
    for row in rows[1:4]:
        service.rename_data_row(trial.workspace, row["id"], externalId="frame.png")
    trial.check_export(IMAGE)


def _filter_twice(trial: Trial) -> None:
    """Each of the filters alone selects more rows."""
    filters = {"workflow_status": "Done", "label_created_at": ["2024-12-01", "2024-12-20"]}
    trial.check_export(IMAGE, {"project_details": True, "label_details": True}, filters)


ROWS = (
    Case(
        "project", Profile.ROWS, "a project without params", export(IMAGE),
        "The plainest export: every row has its labels.",
    ),
    Case(
        "project-every-section", Profile.ROWS, "a project with every section", export(IMAGE, EVERY_SECTION, exact=True),
        "Each param adds a section, and no section may hide another one.", mistake="params-ignored",
    ),
    Case(
        "several-files", Profile.ROWS, "a result of several files",
        export({"project": "many"}, {"label_details": True, "project_details": True, "data_row_details": True}),
        "Results are cut into files of some megabytes; a client must read all of them.",
        world=World(scenario="many"),
    ),
    Case(
        "empty", Profile.ROWS, "an export without rows", _export_empty,
        "A stream without rows has no header and no file.", mistake="empty-export",
    ),
    Case(
        "two-exports", Profile.ROWS, "two exports by one client", _export_twice,
        "Nothing of the first export may be in the second one.",
    ),
    Case(
        "changed-between", Profile.ROWS, "an export again, after labels have changed", _export_changed,
        "A client that caches by project gives old labels.",
    ),
    Case(
        "filter-ids", Profile.ROWS, "a filter by ids", _filter_by_ids,
        "`data_row_ids` selects these rows alone.", mistake="filters-ignored",
    ),
    Case(
        "filter-status", Profile.ROWS, "a filter by workflow status",
        export(IMAGE, {"project_details": True}, {"workflow_status": "InReview"}),
        "`workflow_status` selects rows by their place in the workflow.", mistake="filters-ignored",
    ),
    Case(
        "filter-dates", Profile.ROWS, "a filter by dates",
        export(IMAGE, {"label_details": True}, {"label_created_at": ["2024-12-05", "2024-12-20"]}),
        "`label_created_at` selects rows by the dates of their labels.", mistake="filters-ignored",
    ),
    Case(
        "filter-two", Profile.ROWS, "two filters together", _filter_twice,
        "Only rows that pass both filters are exported.", mistake="filters-ignored",
    ),
    Case(
        "params-false", Profile.ROWS, "params that are false",
        export(IMAGE, {"project_details": True, "label_details": False, "attachments": False}, exact=True),
        "A param that is false adds nothing.", mistake="params-ignored",
    ),
    Case(
        "namesakes", Profile.ROWS, "data rows that have one external id", _export_namesakes,
        "An external id is no key: the service never checks that it is there once.", mistake="rows-merged",
    ),
    Case(
        "dataset", Profile.ROWS, "a dataset", export({"dataset": "image rows"}, {"data_row_details": True}),
        "The rows of a dataset, labelled or not.",
    ),
    Case(
        "chosen-rows", Profile.ROWS, "chosen data rows", _export_chosen("data_rows", "id"),
        "Data rows by their ids.",
    ),
    Case(
        "chosen-keys", Profile.ROWS, "chosen global keys", _export_chosen("global_keys", "global_key"),
        "Data rows by their global keys.",
    ),
    Case(
        "slice", Profile.ROWS, "a catalog slice", export({"slice": "street pictures"}),
        "What a saved search of the catalog finds.",
    ),
    Case(
        "model-run", Profile.ROWS, "a model run", export({"model_run": "first training"}, {"predictions": True}),
        "Labels and predictions of a model run.",
    ),
    Case(
        "catalog", Profile.ROWS, "the catalog", export({"catalog": True}, {"metadata_fields": True}),
        "All data rows of the organization, of all media types.",
    ),
)  # fmt: skip

_FORMS = "llm-prompt llm-response tiles"
"""Media types that the default world lacks and the scenario `forms` has; their projects have their names."""

OF_MEDIA = (
    *(
        Case(
            f"media-{media.name}", Profile.MEDIA, f"rows of the media type {media.name}",
            export({"project": media.name}, {"label_details": True}),
            "Annotations of each media type have keys of their own.",
            world=World(scenario="forms" if media.name in _FORMS.split() else "default"),
        )
        for media in MEDIA
    ),
    *(
        Case(
            f"media-{media.name}-frames", Profile.MEDIA, f"rows of the media type {media.name} with every frame",
            export({"project": media.name}, {"label_details": True, "interpolated_frames": True}, exact=True),
            "With `interpolated_frames` every frame is there and not only key frames.",
        )
        for media in MEDIA
        if media.framed
    ),
)  # fmt: skip

TEXTS = (
    Case(
        "texts-escaped", Profile.TEXTS, "names in many scripts, escaped",
        export({"project": "scripts"}, {"metadata_fields": True}),
        r"Characters outside ASCII as \uXXXX, some as pairs.", world=World(scenario="scripts"), mistake="text-damaged",
    ),
    Case(
        "texts-raw", Profile.TEXTS, "texts in many scripts, as UTF-8", export({"project": "letters"}),
        "A client that guesses the encoding damages these texts.", world=SCRIPTS, mistake="text-damaged",
    ),
    Case(
        "line-separators", Profile.TEXTS, "line separators within values, as UTF-8",
        export({"project": "scripts"}, {"metadata_fields": True}),
        "Values hold U+2028 and U+2029, at which str.splitlines() splits a row in two.",
        world=SCRIPTS, mistake="line-separators",
    ),
    Case(
        "large-row", Profile.TEXTS, "a row of 16 MB",
        export({"project": "long"}, {"interpolated_frames": True}, exact=True),
        "A clip of 10,000 frames is one line, larger than a file of the result usually is.",
        world=World(scenario="long"), mistake="large-row",
    ),
)  # fmt: skip

DRIFT = tuple(
    Case(
        f"drift-{form}", Profile.DRIFT, title, export(IMAGE, {"label_details": True, "project_details": True}),
        why, level=level, world=World(switches={"future": form}), mistake=mistake,
    )
    for form, title, why, mistake, level in (
        (
            "fields", "a section and a field that are new",
            "The service adds some every year; a reader keeps or ignores them.",
            "unknown-field", Level.MUST,
        ),
        (
            "numbers", "integers that need more than 53 bits",
            "A parser that has only floating-point numbers, as in JavaScript, changes them without a word.",
            "", Level.SHOULD,
        ),
        ("media", "a media type that is new", "One row of it must not end the export.", "unknown-medium", Level.MUST),
        ("values", "values of enums that are new", "One of them must not end the export.", "unknown-value", Level.MUST),
    )
)  # fmt: skip
