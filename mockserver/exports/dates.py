"""The changes of Export V2 over the years: one table, and the form of rows on a workspace's payload date.

A world keeps the newest form. Rows of an earlier date leave out later additions, or write them in their earlier form.
"""

from __future__ import annotations

import datetime
from functools import cached_property, lru_cache
from typing import Literal

import msgspec
import orjson

from mockserver.exports import downgrades
from mockserver.exports.steps import Step
from mockserver.exports.text import escape_non_ascii
from mockserver.links import FIRST_KEY, SECOND_KEY, AssetKey
from mockserver.world.database import Connection
from mockserver.world.records.workspace import Workspace
from mockserver.world.switches import Switches, decode_switches


class DatedChange(msgspec.Struct, frozen=True):
    """Something that the service began to do on a date. `source` says how the date is known."""

    name: str
    since: datetime.date
    what: str
    source: str


_DATED = (
    DatedChange(
        "experiments",
        datetime.date(2023, 4, 1),
        "`experiments` with `runs`; before, `models` with `model_runs`",
        "client: tests of SDK 3.44",
    ),
    DatedChange(
        "interpolated_frames",
        datetime.date(2023, 5, 12),
        "the param `interpolated_frames`; before, it did nothing",
        "client: labelbox-python #1077",
    ),
    DatedChange(
        "feature_schema_ids",
        datetime.date(2023, 7, 1),
        "`feature_schema_id` of every feature",
        "sample: absent on 2023-06-04, present on 2023-07-07",
    ),
    DatedChange(
        "frame_attributes",
        datetime.date(2023, 10, 1),
        "`frame_rate` and `frame_count` in `media_attributes`",
        "client: tests of 2023-10; inferred that there were none before",
    ),
    DatedChange(
        "exif_rotation",
        datetime.date(2023, 10, 1),
        "`exif_rotation` in `media_attributes`",
        "sample: absent in 2023-07, present in 2023-10",
    ),
    DatedChange(
        "content_last_updated_at",
        datetime.date(2024, 1, 1),
        "`content_last_updated_at` in `label_details`",
        "sample: absent in 2023-10, present in 2024; the day is inferred",
    ),
    DatedChange(
        "values",
        datetime.date(2024, 1, 21),
        "`value` beside every `name`",
        "client: tests of SDK 3.60",
    ),
    DatedChange(
        "composite_masks",
        datetime.date(2024, 2, 1),
        "`composite_mask` with `color_rgb`; before, `mask` with a URL for each object",
        "documented: labelbox-notebooks; sample: `mask` in 2023-10",
    ),
    DatedChange(
        "tokens",
        datetime.date(2024, 3, 28),
        "`location.token` of text entities",
        "client: labelbox-python #1509",
    ),
    DatedChange(
        "asset_type",
        datetime.date(2024, 6, 1),
        "`asset_type` in `media_attributes`",
        "sample: present in 2024-06; the day is inferred",
    ),
    DatedChange(
        "project_tags",
        datetime.date(2024, 6, 1),
        "`project_tags` of every project",
        "sample: present in 2024-06; the day is inferred",
    ),
    DatedChange(
        "exif_number",
        datetime.date(2024, 6, 1),
        "`exif_rotation` as a number; before, as a text",
        'sample: `"1"` in 2023-10, `1` in 2025-08; the day is inferred',
    ),
    DatedChange(
        "audio_segments",
        datetime.date(2024, 7, 25),
        "`classifications`, `segments` and `timestamp` of sounds; before, `objects`, `classifications` and "
        "`relationships`",
        "client: tests of 2024-07",
    ),
    DatedChange(
        "page_dimensions",
        datetime.date(2024, 9, 1),
        "`page_dimensions` of boxes on pages",
        "client: tests of 2024-09",
    ),
    DatedChange(
        "row_milliseconds",
        datetime.date(2024, 9, 1),
        "the milliseconds of a data row's moments; before, whole seconds",
        "sample: whole seconds in 2024-06, milliseconds in 2024-12; the day is inferred",
    ),
    DatedChange(
        "schema_kinds",
        datetime.date(2024, 11, 26),
        "`schema_kind` of `metadata_fields`",
        "sample: absent in 2023-08, present in 2024-12; the day is inferred",
    ),
    DatedChange(
        "text_classifications",
        datetime.date(2024, 11, 26),
        "`classifications` of answers in words",
        "client: absent in tests of 2024-11-12, present in those of 2024-11-26",
    ),
    DatedChange(
        "units",
        datetime.date(2024, 11, 26),
        "`unit` of boxes on pages and of pages",
        "client: absent in tests of 2024-11-12, present in those of 2024-11-26",
    ),
    DatedChange(
        "questions_in_frames",
        datetime.date(2025, 1, 1),
        "questions of a clip's frames in these frames; before, once at the top",
        "sample: in frames in 2025-04; client: at the top in tests of 2024-10; the day is inferred",
    ),
    DatedChange(
        "single_masks_of_clips",
        datetime.date(2025, 1, 1),
        "`mask` beside `composite_mask` of clips; before, `composite_mask` alone",
        "sample: both in 2025-04; the day is inferred",
    ),
    DatedChange(
        "performance_details_v2",
        datetime.date(2025, 3, 1),
        "`performance_details_v2` behind `performance_details`",
        "sample: absent in 2024-12, present in 2025-05; the day is inferred",
    ),
    DatedChange(
        "message_text_classifications",
        datetime.date(2025, 6, 17),
        "`classifications` of answers in words about messages",
        "client: absent in tests of 2025-04-04, present in those of 2025-06-17",
    ),
    DatedChange(
        "long_links",
        datetime.date(2025, 10, 22),
        "links of files that live five days, in seconds, the same for all rows; before, a day, in milliseconds, row "
        "by row",
        "sample: the old ones in 2025-08, the new ones in 2026-07; the day is in the name of their key",
    ),
)

DATED = {item.name: item for item in _DATED}
"""Changes by name, in the order of their dates."""

_ATTRIBUTES = {
    "exif_rotation": ("exif_rotation",),
    "frame_attributes": ("frame_rate", "frame_count"),
    "asset_type": ("asset_type",),
}
"""The keys of `media_attributes` that each change added."""

MaskForm = Literal["own", "composite", "both", "numbered", "plain"]
"""The words of the switch `masks` (world/switches.py). `own`: both for clips, composite masks for other media."""


class PayloadFormat(msgspec.Struct, frozen=True, dict=True):
    """The form of the rows of one export. `payload_date` None is the newest form."""

    payload_date: datetime.date | None = None
    switches: Switches = Switches()

    def has(self, name: str) -> bool:
        """Whether the service had made the change with this name in the table."""
        return self.payload_date is None or DATED[name].since <= self.payload_date

    @property
    def asset_key(self) -> AssetKey:
        """The key that signs the links of files."""
        return SECOND_KEY if self.has("long_links") else FIRST_KEY

    @cached_property
    def masks(self) -> MaskForm:
        if self.switches.masks != "dated":
            return self.switches.masks
        if self.has("single_masks_of_clips"):
            return "own"
        return "composite" if self.has("composite_masks") else "plain"

    @cached_property
    def steps(self) -> list[Step]:
        """The steps for a canonical body; none for the newest form, which is never parsed."""
        wanted: list[tuple[bool, Step]] = [
            (not self.has("feature_schema_ids"), downgrades.remove_schema_ids),
            (not self.has("values"), downgrades.remove_values),
            (self.masks == "composite", downgrades.use_composite_masks),
            (self.masks == "both", downgrades.use_both_masks),
            (self.masks == "plain", downgrades.use_plain_masks),
            (self.masks == "numbered", downgrades.use_numbered_masks),
            (not self.has("questions_in_frames"), downgrades.move_frame_questions_to_top),
            (not self.has("tokens"), downgrades.remove_tokens),
            (not self.has("audio_segments"), downgrades.write_sounds_as_pictures),
            (not self.has("page_dimensions"), downgrades.remove_page_dimensions),
            (not self.has("text_classifications"), downgrades.remove_questions_below_texts),
            (not self.has("message_text_classifications"), downgrades.remove_questions_below_message_texts),
            (not self.has("units"), downgrades.remove_units),
            (self.switches.key_frame_feature_map == "list", downgrades.list_key_frames),
            (self.switches.key_frame_feature_map == "dict", downgrades.flag_key_frames),
        ]
        return [step for needed, step in wanted if needed]

    @cached_property
    def lost_attributes(self) -> frozenset[str]:
        """The keys of `media_attributes` that did not exist yet."""
        return frozenset(key for name, keys in _ATTRIBUTES.items() if not self.has(name) for key in keys)

    @cached_property
    def changes_attributes(self) -> bool:
        return bool(self.lost_attributes) or not self.has("exif_number")

    def render_attributes(self, text: str) -> str:
        """The media attributes of a row as JSON in ASCII, from their newest form."""
        if self.changes_attributes:
            return _downgrade_attributes(text, self.lost_attributes, as_text=not self.has("exif_number"))
        return escape_non_ascii(text)


@lru_cache(maxsize=1024)
def _downgrade_attributes(text: str, lost: frozenset[str], *, as_text: bool) -> str:
    """The attributes in an earlier form. Cached, because many rows share few different attributes."""
    attributes = {name: value for name, value in orjson.loads(text).items() if name not in lost}
    if as_text and "exif_rotation" in attributes:
        attributes["exif_rotation"] = str(attributes["exif_rotation"])
    return escape_non_ascii(orjson.dumps(attributes).decode())


@lru_cache(maxsize=1024)
def remove_page_count(text: str) -> str:
    """The attributes without the number of pages, which Export V2 leaves out (observed 2025-05)."""
    return orjson.dumps({name: value for name, value in orjson.loads(text).items() if name != "page_count"}).decode()


def load_format(connection: Connection) -> PayloadFormat:
    """The form of the workspace."""
    [(date, switches)] = connection.select_columns(Workspace, "payload_date, switches")
    return PayloadFormat(None if date is None else datetime.date.fromisoformat(date), decode_switches(switches))
