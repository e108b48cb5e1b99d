"""The changes of Export V1 over the years: one table, and the format that a workspace's payload date selects from it.

The newest format is the last that is known. Files of an earlier date leave out keys that did not exist yet, or write
them as they were written then.
"""

from __future__ import annotations

import datetime

import msgspec

from mockserver.exports.dates import DatedChange
from mockserver.world.clock import SECOND
from mockserver.world.database import Connection
from mockserver.world.records.workspace import Workspace

_DATED = (
    DatedChange(
        "numbers_for_none",
        datetime.date(2020, 4, 1),
        "`Agreement` and `Benchmark Agreement` are -1 where there is none; before, null, and a key "
        "`Benchmark Reference ID`",
        "sample: null in 2020-02, -1 in 2020-04; the day is inferred",
    ),
    DatedChange(
        "skipped",
        datetime.date(2021, 6, 1),
        "the key `Skipped`",
        "sample: absent in 2021-03, present in 2021-07; the day is inferred",
    ),
    DatedChange(
        "label_tokens",
        datetime.date(2021, 6, 1),
        "a token in the mask URLs of `Label.label` in GraphQL",
        "sample: absent in 2021-03; the day is inferred",
    ),
    DatedChange(
        "relationships",
        datetime.date(2021, 9, 1),
        "`relationships` in `Label`",
        "sample: absent in 2021-07, present in 2021-09; the day is inferred",
    ),
    DatedChange(
        "lists_of_clips",
        datetime.date(2021, 9, 1),
        "`objects`, `classifications` and `relationships` of a clip beside its `frames`, and without `frames` when "
        "it was skipped; before, `frames` alone, and nothing",
        "sample: `frames` alone in 2021-03, all in 2022-04, a skipped clip in 2023-02; the day is inferred",
    ),
    DatedChange(
        "global_key",
        datetime.date(2022, 8, 1),
        "the key `Global Key`",
        "sample: absent in 2022-04, present in 2022-08; the day is inferred",
    ),
    DatedChange(
        "workflow",
        datetime.date(2023, 4, 1),
        "`Seconds to Review`, `Seconds to Create`, `Is Benchmark` and `DataRow Workflow Info`; `scope` of "
        "classifications, `position` of answers",
        "client: a reader of 2023-04; absent in samples of 2022-08",
    ),
    DatedChange(
        "document_entities",
        datetime.date(2023, 6, 1),
        "entities of documents; before, boxes alone",
        "sample: absent in 2022-12, present in 2024-01; the day is inferred",
    ),
    DatedChange(
        "row_facts",
        datetime.date(2023, 6, 1),
        "`DataRow Metadata`, `Media Attributes` and `Data Split` of labels",
        "client: SDKs read them; absent in samples up to 2023-04; the day is inferred",
    ),
)

DATED = {item.name: item for item in _DATED}
"""The changes by name, oldest first."""

YOUNG_MASKS = int(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC).timestamp()) * SECOND
"""Microseconds UTC. The mask URLs of labels that were created before it name the project, the person and the data row,
whenever they are exported (observed 2020-02 and 2021-01 of labels of 2019; the day is inferred)."""


class LegacyFormat(msgspec.Struct, frozen=True):
    """The format of Export V1 files. Without a `payload_date` it is the newest one."""

    payload_date: datetime.date | None = None

    def has(self, name: str) -> bool:
        """Whether the change of this name had happened."""
        return self.payload_date is None or DATED[name].since <= self.payload_date


def load_legacy_format(connection: Connection) -> LegacyFormat:
    """Loads the format of the workspace that the connection reads."""
    date = connection.select(Workspace)[0].payload_date
    return LegacyFormat(None if date is None else datetime.date.fromisoformat(str(date)))
