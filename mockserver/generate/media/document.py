"""PDF documents: pages of headings, paragraphs and figures, with boxes around figures and entities in the text layer.

The text layer's words have ids that entities name. A group of theirs is a line: that is how the groups of the SDK's
own tests look (conftest.py `expected_export_v2_document`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import msgspec
import orjson

from mockserver.generate.annotations import Annotator, encode_body
from mockserver.generate.chance import Chance
from mockserver.generate.features import Feature, Ontology
from mockserver.generate.files import pdf
from mockserver.generate.media.generator import Asset, MediaGenerator, Variant
from mockserver.generate.prose import pick_phrases, write_paragraph
from mockserver.generate.words import load_table
from mockserver.world import ids
from mockserver.world.record import JsonText, encode_json

WIDTH, HEIGHT = 612.0, 792.0
"""US letter, in points."""
UNIT = "points"
"""What V2 calls the unit of boxes and pages (SDK tests of 2024-11-26)."""
MARGIN = 72.0
TEXT, HEADING = 11.0, 16.0
"""Font sizes."""
SPACING = 1.4
"""From line to line, in font sizes."""
LANGUAGES = ("en", "de", "en")
"""Those whose letters the font has."""


class Word(msgspec.Struct, frozen=True):
    """A token of the text layer; `top`, `left`, `height`, `width` in points from the page's upper left corner."""

    id: str
    text: str
    page: int
    line: str
    """The id of its group."""
    top: float
    left: float
    height: float
    width: float


class Sheet(msgspec.Struct, frozen=True):
    """A page; `boxes` are (top, left, height, width) of what can be framed: figures, then paragraphs."""

    page: pdf.Page
    words: tuple[Word, ...]
    boxes: tuple[tuple[float, float, float, float], ...]


def build_sheets(seed: int, project: str, number: int) -> list[Sheet]:
    """Document `number` of a project: two to four pages. Pages are numbered from 0 (documented)."""
    chance = Chance(seed, "document", project, number)
    language = LANGUAGES[number % len(LANGUAGES)]
    root = (seed, "document", project, number)
    return [_Layout(root, page).fill(chance, language) for page in range(chance.randint(2, 4))]


class _Layout:
    """Fills one page from its top."""

    def __init__(self, root: tuple[object, ...], page: int) -> None:
        self._root, self._page = root, page
        self._top = MARGIN
        self._lines: list[pdf.Line] = []
        self._shapes: list[pdf.Rectangle] = []
        self._words: list[Word] = []
        self._paragraphs: list[tuple[float, float, float, float]] = []

    def fill(self, chance: Chance, language: str) -> Sheet:
        self._add_heading(chance.choice(load_table(f"sentences_{language}")))
        for _ in range(chance.randint(2, 3)):
            self._add_paragraph(write_paragraph(chance, language, 2, 4))
            self._add_figure(chance)
        figures = tuple((shape.top, shape.left, shape.height, shape.width) for shape in self._shapes)
        page = pdf.Page(WIDTH, HEIGHT, tuple(self._lines), tuple(self._shapes))
        return Sheet(page, tuple(self._words), figures + tuple(self._paragraphs))

    def _add_heading(self, text: str) -> None:
        for line in wrap_text(text, HEADING):
            self._add_line(line, HEADING)
        self._top += TEXT

    def _add_paragraph(self, text: str) -> None:
        top = self._top
        lines = wrap_text(text, TEXT)
        for line in lines:
            self._add_line(line, TEXT)
        width = max(len(line) for line in lines) * pdf.ADVANCE * TEXT
        self._paragraphs.append((round(top, 2), MARGIN, round(self._top - top, 2), round(width, 2)))
        self._top += TEXT

    def _add_line(self, text: str, size: float) -> None:
        top = round(self._top, 2)
        group = ids.random_uuid(*self._root, "line", self._page, len(self._lines))
        self._lines.append(pdf.Line(MARGIN, top, size, text))
        column = 0
        for word in text.split(" "):
            left, width = MARGIN + column * pdf.ADVANCE * size, len(word) * pdf.ADVANCE * size
            token = ids.random_uuid(*self._root, "word", self._page, len(self._words))
            self._words.append(Word(token, word, self._page, group, top, round(left, 2), size, round(width, 2)))
            column += len(word) + 1
        self._top += size * SPACING

    def _add_figure(self, chance: Chance) -> None:
        """A coloured rectangle."""
        width, height = float(chance.randint(120, 400)), float(chance.randint(30, 70))
        left = MARGIN + chance.randint(0, int(WIDTH - 2 * MARGIN - width))
        colour = (chance.randint(90, 230), chance.randint(90, 230), chance.randint(90, 230))
        self._shapes.append(pdf.Rectangle(left, round(self._top, 2), width, height, colour))
        self._top += height + TEXT


def wrap_text(text: str, size: float) -> list[str]:
    """Lines of whole words, as long as the margins allow."""
    longest = int((WIDTH - 2 * MARGIN) / (pdf.ADVANCE * size))
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if len(longer) <= longest:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


class Document(MediaGenerator):
    def build_variant(self, seed: int, project: str, number: int, ontology: Ontology) -> Variant:
        """Every tool marks one or two figures, paragraphs or runs of words."""
        pages = build_sheets(seed, project, number)
        annotator = Annotator(Chance(seed, "document", project, number, "annotations"))
        boxes = iter([(page, box) for page, sheet in enumerate(pages) for box in sheet.boxes])
        runs = _pick_runs(annotator.chance, [word for sheet in pages for word in sheet.words])
        objects, text_boxes = [], {}
        for tool in [tool for tool in ontology.drawn for _ in range(annotator.chance.randint(1, 2))]:
            if tool.kind == "rectangle":
                if spot := next(boxes, None):
                    objects.append(_build_box(annotator, tool, *spot))
            elif run := next(runs, None):
                text_boxes[annotator.next_ordinal] = [_build_text_box(line) for line in run]
                objects.append(_build_entity(annotator, tool, run))
        annotations = {
            "objects": objects,
            "classifications": annotator.build_classifications(ontology.questions),
            "relationships": annotator.build_relationships(
                ontology.edges, "DocumentUnidirectionalRelationship", objects
            ),
        }
        aside = encode_json({"text-bbox": text_boxes}) if text_boxes else None
        return Variant(_render_attributes(len(pages)), encode_body(annotations), aside)

    def build_asset(self, seed: int, project: str, number: int) -> Asset:
        pages = [sheet.page for sheet in build_sheets(seed, project, number)]
        return Asset("application/pdf", pdf.encode_document(pages))

    def build_text_layer(self, seed: int, project: str, number: int) -> Asset:
        """The text layer in the documented schema: pages with the groups and tokens that entities name."""
        pages = [_build_layer(place, sheet) for place, sheet in enumerate(build_sheets(seed, project, number), 1)]
        return Asset("application/json", orjson.dumps(pages))


def _build_layer(number: int, sheet: Sheet) -> dict[str, Any]:
    """A page of the text layer. Its pages are counted from 1 (inferred)."""
    groups = []
    for line_id, words in groupby(sheet.words, key=lambda word: word.line):
        line = list(words)
        place = _build_text_box(line)
        groups.append(
            {
                "id": line_id,
                "content": " ".join(word.text for word in line),
                "geometry": {side: place[side] for side in SIDES},
                "typography": {"fontSize": line[0].height, "fontFamily": pdf.FONT},
                "tokens": [
                    {
                        "id": word.id,
                        "content": word.text,
                        "geometry": {side: getattr(word, side) for side in SIDES},
                    }
                    for word in line
                ],
            }
        )
    return {"width": WIDTH, "height": HEIGHT, "number": number, "units": "POINTS", "groups": groups}


SIDES = ("left", "top", "width", "height")


def _render_attributes(pages: int) -> JsonText:
    """Only V1 `Media Attributes` have the count (sample); V2 names the text layer instead (exports/rows.py)."""
    attributes = {"asset_type": "pdf", "mime_type": "application/pdf", "page_count": pages}
    return encode_json(attributes)


def _pick_runs(chance: Chance, words: list[Word]) -> Iterator[list[list[Word]]]:
    """Runs of one to three words of one page, each cut into its lines, in the order of chance."""
    for first, last in pick_phrases(chance, [(index, index) for index in range(len(words))]):
        run = words[first : last + 1]
        if run[0].page == run[-1].page:
            yield [list(line) for _, line in groupby(run, key=lambda word: word.line)]


def _build_box(
    annotator: Annotator, tool: Feature, page: int, box: tuple[float, float, float, float]
) -> dict[str, Any]:
    top, left, height, width = box
    return annotator.build_object(
        tool,
        "DocumentBoundingBox",
        page_number=page,
        bounding_box={"top": top, "left": left, "height": height, "width": width, "unit": UNIT},
        page_dimensions={"height": HEIGHT, "width": WIDTH, "unit": UNIT},
    )


def _build_entity(annotator: Annotator, tool: Feature, run: list[list[Word]]) -> dict[str, Any]:
    groups = [
        {
            "id": line[0].line,
            "page_number": line[0].page,
            "tokens": [word.id for word in line],
            "text": " ".join(word.text for word in line),
        }
        for line in run
    ]
    return annotator.build_object(tool, "DocumentEntityToken", location={"groups": groups})


def _build_text_box(line: list[Word]) -> dict[str, Any]:
    """Around the words of one line."""
    left, right = line[0].left, line[-1].left + line[-1].width
    top, height = line[0].top, line[0].height
    return {"page": line[0].page, "top": top, "left": left, "height": height, "width": round(right - left, 2)}
