"""A case of the contract, as data: the world it needs, the call, and the judgement."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec

from mockserver.certification.cases import Level
from mockserver.contract.trial import Trial

Check = Callable[[Trial], None]


class Profile(StrEnum):
    """The parts of the contract; `--profile` chooses some of them."""

    ROWS = "rows"
    MEDIA = "media"
    TEXTS = "texts"
    ERRORS = "errors"
    ASYNC = "async"
    RETRY = "retry"
    DRIFT = "drift"
    SYNC = "sync"
    LABELS_V1 = "v1"
    FRAMES = "frames"
    PROCESS = "process"
    LARGE = "large"
    """This part is tried only if it is named, as it takes a minute and a gigabyte of files."""


TITLES = {
    Profile.ROWS: "Rows of Export V2",
    Profile.MEDIA: "Every media type",
    Profile.TEXTS: "Hard texts",
    Profile.ERRORS: "Errors",
    Profile.ASYNC: "Exports that take time",
    Profile.RETRY: "Failures on the way",
    Profile.DRIFT: "What is not known yet",
    Profile.SYNC: "Incremental sync",
    Profile.LABELS_V1: "Labels of Export V1",
    Profile.FRAMES: "Frames of clips",
    Profile.PROCESS: "The client's process",
    Profile.LARGE: "A hundred thousand rows",
}


class World(msgspec.Struct, frozen=True):
    """The workspace of a case. `scenario`: a built-in one, or the name of a file in `fixtures/contract`."""

    scenario: str = "default"
    switches: dict[str, str] = {}
    exports: Any = "at_once"
    """The progression of exports, as in `POST /_mock/progression`."""
    frozen: bool = False
    """Whether the clock is stopped: links that are created one after the other are then equal."""


class Case(msgspec.Struct, frozen=True):
    """`check` calls the client and adds findings to the trial; `operation` is what a client must offer for it.

    `mistake`: the name of the mistake that a failure of this case shows, where the failure itself says less.
    """

    name: str
    profile: Profile
    title: str
    check: Check
    why: str
    level: Level = Level.MUST
    operation: str = "export_rows"
    world: World = World()
    mistake: str = ""
    alone: bool = False
    """Whether the case needs a process in which no other case has run."""
