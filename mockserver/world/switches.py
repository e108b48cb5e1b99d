"""Behaviours of the service that are known in more than one form: each switch chooses one, for one workspace."""

from __future__ import annotations

from typing import Literal

import msgspec

from mockserver.conversion import decode
from mockserver.world.record import JsonText


class Switches(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first word of each is how a workspace begins.

    `legacy_cache`: whether Export V1 makes a new file as soon as its project has changed ("fresh"), or gives the old
    one for 30 minutes whatever happens ("stale", as the seed says of the service).
    `frames`: whether the frames endpoint sends clients on with a 301 to its own host ("redirect"), to another name of
    this machine ("redirect_elsewhere"), or answers 200 with the frames themselves ("direct").
    `masks`: as the payload date has them ("dated"), or always as `composite_mask`, as `mask` with a URL that ends in
    `/index/1/mask` ("numbered"), as that and `composite_mask` of one object ("both"), or as `mask` with a URL that ends
    in `/mask` ("plain").
    `key_frame_feature_map`: as each media type is known to have it, a list for videos and booleans by frame for DICOM
    ("own"), or one of both for all.
    `validation`: whether errors of documents that do not fit the GraphQL schema say what is wrong (`"told"`), as the
    service did until 2025 at least, or only that something is ("masked", SDK tests of 2026).
    `future`: whether rows of Export V2 have fields, large numbers, a media type or values that no client knows: nothing
    imitated, but a trial for readers.
    `characters`: whether files of results have characters outside ASCII as escapes or as they are.
    """

    legacy_cache: Literal["fresh", "stale"] = "fresh"
    frames: Literal["redirect", "redirect_elsewhere", "direct"] = "redirect"
    masks: Literal["dated", "composite", "both", "numbered", "plain"] = "dated"
    key_frame_feature_map: Literal["own", "list", "dict"] = "own"
    characters: Literal["ascii", "utf-8"] = "ascii"
    future: Literal["none", "fields", "numbers", "media", "values"] = "none"
    validation: Literal["told", "masked"] = "told"

    def text(self) -> JsonText:
        return JsonText(msgspec.json.encode(self).decode())


def decode_switches(text: str) -> Switches:
    """Parses what `Switches.text` returns."""
    return decode(text, Switches)
