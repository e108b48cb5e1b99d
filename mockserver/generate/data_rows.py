"""The data rows of a dataset with their metadata, attachments and embeddings."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import orjson

from mockserver.generate.chance import Chance, Chances
from mockserver.generate.media.generator import MediaGenerator
from mockserver.generate.numbers import Numbers
from mockserver.generate.organization import CustomField, Organized
from mockserver.generate.plans import ProjectPlan
from mockserver.generate.words import load_table
from mockserver.world import ids
from mockserver.world.clock import DAY, SECOND
from mockserver.world.media import MEDIA
from mockserver.world.record import JsonText, Record
from mockserver.world.records.data_rows import (
    BUILT_IN_EMBEDDING,
    Attachment,
    DataRow,
    EmbeddingVector,
    MetadataValue,
    encode_metadata,
)

MILLISECOND = 1000
IMPORTED = 40 * DAY
"""How long before the end the first row was imported."""
IMPORT_LASTED = 10 * DAY

NOTE = "RAW_TEXT"
HOSTED = {kind: (media, name) for media in MEDIA for kind, name in media.attachments.items()}
"""Kind of attachment -> the media type that generates its file, and what the file is called."""
ATTACHED = (NOTE, *HOSTED)
DIFFERENT = 16
"""Files of each kind in a project, however many rows it has."""


class DataRows:
    """The rows that a project's plan brings with it. `media_attributes` and `vectors` are those of its variants."""

    def __init__(
        self,
        plan: ProjectPlan,
        generator: MediaGenerator,
        organized: Organized,
        numbers: Numbers,
        *,
        seed: int,
        end: int,
        before: int = 0,
        total: int,
    ) -> None:
        """`before` of the `total` rows of the world are those of earlier projects: rows are imported one by one."""
        self._before, self._total = before, max(total, 1)
        self.plan, self.generator, self.organized, self.numbers = plan, generator, organized, numbers
        self.seed, self.end = seed, end
        self.root = (seed, "project", plan.name)
        self.dataset_id = build_dataset_id(seed, end, plan.dataset_name)
        self._ids = ids.Stem(seed, "dataset", plan.dataset_name, plan.name)
        self._chances = Chances(*self.root, "row")
        self.media_attributes: list[JsonText] = []
        self.vectors: list[int] = []
        self.first = 0
        """The number of row 0, once a row is built."""

    def number(self, index: int) -> int:
        return self.first + index

    def build_records(self, index: int, *, last_activity: int) -> Iterator[Record]:
        """Row `index` and its surroundings. Called for indices in order, without gaps."""
        plan = self.plan
        no = self.numbers.next("data_row")
        self.first = self.first or no - index
        chance = self._chances.derive(index)
        metadata = self._draw_metadata(index, chance)
        created = self._draw_import_time(index, chance)
        number = index % len(self.media_attributes)
        stem = self._build_stem(index)
        yield DataRow(
            no=no, id=self._ids.cuid(created, index), dataset_id=self.dataset_id,
            external_id=f"{stem}.{self.generator.media.extension}" if plan.external_ids else None,
            global_key=f"{plan.name}-{stem}" if plan.global_keys else None, media_type=self.generator.media.wire,
            row_data=self._read_inline(number), asset=f"{plan.asset_media}/{plan.name}/{number}",
            media_attributes=self.media_attributes[number], metadata=metadata,
            created_by=self.organized.people[0].id,
            created_at=created, updated_at=created + chance.randint(900, 2500) * MILLISECOND,
            last_activity_at=max(created, last_activity), deleted=False,
        )  # fmt: skip
        if plan.attachments and index % 3 == 0:
            yield from self._build_attachments(index, no, created, chance)
        if self.vectors:
            yield EmbeddingVector(no, BUILT_IN_EMBEDDING, self.vectors[number])

    def _read_inline(self, number: int) -> str | None:
        """The text itself, of rows that were imported so (observed 2024-12)."""
        if not self.plan.inline:
            return None
        return self.generator.build_asset(self.seed, self.plan.name, number).content.decode()

    def _build_stem(self, index: int) -> str:
        if self.plan.unicode and index % 3 == 2:  # a blank and parentheses, as browsers name further copies
            return f"{load_table('names_files')[index % len(load_table('names_files'))]} ({index + 1})"
        names = load_table("names_unicode" if self.plan.unicode else "names_files")
        return f"{names[index % len(names)]}-{index + 1:04}"

    def _draw_metadata(self, index: int, chance: Chance) -> JsonText:
        """A value in every field of the organization, on three rows of four; and what the plan gives to this row."""
        drawn: dict[str, MetadataValue] = {}
        if self.plan.metadata and (self.plan.rows <= 3 or index % 4 != 3):
            drawn = {field.schema_id: self._draw_value(field, index, chance) for field in self.organized.fields}
        for plan_value in self.plan.values:
            if plan_value.first <= index + 1 <= (plan_value.last or self.plan.rows):
                field = next(field for field in self.organized.fields if field.name == plan_value.field)
                drawn[field.schema_id] = _parse_value(field, plan_value.value, index + 1)
        return encode_metadata(drawn)

    def _draw_value(self, field: CustomField, index: int, chance: Chance) -> MetadataValue:
        """Draws a value of the field's kind; that of an enum is the id of an option."""
        match field.kind:
            case "CustomMetadataDateTime":
                return _format_date_time(self.end - 60 * DAY + self._spread(index, 10 * DAY))
            case "CustomMetadataNumber":
                return chance.randint(0, 1000) / 8
            case "CustomMetadataEnum":
                return chance.choice(list(field.options.values()))
        return chance.choice(load_table("names_unicode" if self.plan.unicode else "places"))

    def _build_attachments(self, index: int, no: int, created: int, chance: Chance) -> Iterator[Attachment]:
        """One of every kind on the first row; the others have one, in turn."""
        note = chance.choice(load_table("sentences_en"))
        for kind in ATTACHED if index == 0 else (ATTACHED[index // 3 % len(ATTACHED)],):
            attachment = ids.cuid(created, *self.root, "attachment", index, kind)
            number = self.numbers.next("attachment")
            if kind == NOTE:
                yield Attachment(number, attachment, no, kind, note, None, "note")
                continue
            media, name = HOSTED[kind]
            recipe = f"{media.name}/{self.plan.name} attachments/{index // 3 % DIFFERENT}"
            yield Attachment(number, attachment, no, kind, None, recipe, f"{name}.{media.extension}")

    def _draw_import_time(self, index: int, chance: Chance) -> int:
        """Within the row's own share of the time of import: the ids of a world's rows grow as they are counted."""
        place = (self._before + index) * 1000 + chance.randbelow(1000)
        return (self.end - IMPORTED + IMPORT_LASTED * place // (1000 * self._total)) // MILLISECOND * MILLISECOND

    def _spread(self, index: int, length: int) -> int:
        """Row `index`'s share of a range of time, in whole seconds."""
        return length * index // max(self.plan.rows, 1) // SECOND * SECOND


def _parse_value(field: CustomField, value: str | float, number: int) -> MetadataValue:
    """A value of the plan as rows keep it."""
    if not isinstance(value, str):
        return value
    text = value.replace("{number}", str(number))
    if field.kind == "CustomMetadataDateTime":
        moment = datetime.datetime.fromisoformat(text)
        return _format_date_time(
            int((moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp() * SECOND)
        )
    return field.options[text] if field.options else text


def build_dataset_id(seed: int, end: int, name: str) -> str:
    """A dataset is a day older than the first row of the world."""
    return ids.cuid(end - IMPORTED - DAY, seed, "dataset", name)


def draw_vector(chance: Chance) -> bytes:
    """512 numbers between -1 and 1, as the built-in image embedding has."""
    return orjson.dumps([(chance.randbelow(200_001) - 100_000) / 100_000 for _ in range(512)])


def _format_date_time(moment: int) -> str:
    """Metadata date-times are text with a `Z` (SDK data_row_metadata.py)."""
    return f"{datetime.datetime.fromtimestamp(moment // SECOND, datetime.UTC).isoformat()[:19]}Z"
