"""The cases about labels of Export V1, and the frames of its clips."""

from __future__ import annotations

from typing import Any

from mockserver.contract import service
from mockserver.contract.cases import Case, Check, Profile, World
from mockserver.contract.comparison import find_difference, name_change
from mockserver.contract.process import ClientError, shorten
from mockserver.contract.trial import Trial

Json = dict[str, Any]
OF_VALUES = {"text-damaged", "line-separators", "numbers-damaged", "texts-cut"}
"""Mistakes that say more than that labels or frames differ."""


def export_labels(project: str) -> Check:
    """Exports the labels of a project; they are compared with the file itself, by their ids."""

    def check(trial: Trial) -> None:
        project_id = trial.workspace.project(project)
        labels = list(trial.client.call("export_labels_v1", project=project_id))
        compare(trial, "labels-differ", labels, service.fetch_labels(trial.workspace, project_id), key="ID")

    return check


def compare(trial: Trial, mistake: str, items: list[Any], expected: list[Json], *, key: str) -> None:
    """Adds a finding if items are missing, or the first that differs from the item with the same key."""
    wanted = {item[key]: item for item in expected}
    received = {item.get(key): item for item in items if isinstance(item, dict)}
    if len(items) != len(expected) or received.keys() != wanted.keys():
        missing = [str(name) for name in wanted if name not in received]
        trial.find(mistake, f"{len(items)} items, expected {len(expected)}; missing: {shorten(missing)}")
        return
    for name, item in received.items():
        if item != wanted[name]:
            path, value, other = find_difference(item, wanted[name])
            change = name_change(path, value, other)
            detail = f"{key} {name}, {path}: {shorten(value)}; expected {shorten(other)}"
            trial.find(change if change in OF_VALUES else mistake, detail)
            return


def read_frames(*, skipped: bool = False) -> Check:
    """Reads the frames of the first label that has some, or of a skipped one, which has none."""

    def check(trial: Trial) -> None:
        labels = service.fetch_labels(trial.workspace, trial.workspace.project("video"))
        label = next(label["ID"] for label in labels if label["Skipped"] is skipped)
        expected = service.fetch_frames(trial.workspace, label)
        try:
            frames = list(trial.client.call("frames", label=label))
        except ClientError as error:
            if error.not_offered or not skipped:
                raise
            trial.find("frames-empty", str(error))
            return
        compare(trial, "frames-empty" if skipped else "frames-differ", frames, expected, key="frameNumber")

    return check


LABELS = tuple(
    Case(
        f"v1-{name}", Profile.LABELS_V1, f"labels of a project of the media type {name}", export_labels(name),
        "The file is one JSON array; the mutation is repeated until it gives a URL.", operation="export_labels_v1",
        world=world, mistake="not-waited" if world.exports != "at_once" else "",
    )
    for name, world in (
        ("image", World()), ("text", World(switches={"characters": "utf-8"})), ("video", World()),
        ("document", World()), ("conversational", World(exports={"looks": 2})),
    )
)  # fmt: skip

FRAMES = (
    Case(
        "frames-redirect", Profile.FRAMES, "frames by a redirect", read_frames(),
        "The endpoint answers 301 with a signed link.", operation="frames", world=World(frozen=True),
    ),
    Case(
        "frames-elsewhere", Profile.FRAMES, "frames by a redirect to another host", read_frames(),
        "The link needs no key, and the other host must not get it.", operation="frames",
        world=World(switches={"frames": "redirect_elsewhere"}, frozen=True),
    ),
    Case(
        "frames-direct", Profile.FRAMES, "frames without a redirect", read_frames(),
        "The endpoint may answer with the frames themselves.", operation="frames",
        world=World(switches={"frames": "direct"}, frozen=True),
    ),
    Case(
        "frames-none", Profile.FRAMES, "the frames of a skipped label", read_frames(skipped=True),
        "The answer is 204 without a body.", operation="frames",
    ),
)  # fmt: skip
