"""PDF files, as another reader sees them."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from mockserver.generate.files.pdf import ASCENT, Line, Page, Rectangle, encode_document

# What the encoding has, without the controls, spaces of other widths and the invisible hyphen.
LETTERS = "".join(
    bytes([code]).decode("cp1252", "ignore") for code in range(0x21, 0x100) if code not in {0x7F, 0xA0, 0xAD}
)
WORDS = st.lists(st.text(LETTERS, min_size=1, max_size=12), min_size=1, max_size=6).map(" ".join)


def read(content: bytes) -> PdfReader:
    """Reads strictly: any fault in the file's tables is an error."""
    return PdfReader(io.BytesIO(content), strict=True)


def one_line(text: str) -> Page:
    return Page(612, 792, (Line(72, 72, 11, text),))


@given(st.lists(WORDS, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_every_page_says_what_was_written_on_it(texts: list[str]) -> None:
    reader = read(encode_document([one_line(text) for text in texts]))
    assert [page.extract_text().strip() for page in reader.pages] == texts


@given(st.floats(0, 5000), st.floats(0, 5000), st.floats(4, 40))
@settings(max_examples=60, deadline=None)
def test_a_line_is_where_it_was_put(left: float, top: float, size: float) -> None:
    reader = read(encode_document([Page(6000, 6000, (Line(left, top, size, "here"),))]))
    places: list[tuple[float, float, float]] = []

    def visit(text: str, _cm: object, matrix: list[float], _font: object, shown_size: float) -> None:
        if text.strip():
            places.append((matrix[4], matrix[5], shown_size))

    reader.pages[0].extract_text(visitor_text=visit)
    assert places == [pytest.approx((left, 6000 - top - ASCENT * size, size), abs=0.01)]


def test_pages_have_the_size_they_were_given() -> None:
    pages = read(encode_document([Page(612, 792, ()), Page(595.28, 841.89, ())])).pages
    assert [(float(page.mediabox.width), float(page.mediabox.height)) for page in pages] == [
        (612, 792),
        (595.28, 841.89),
    ]


def test_a_rectangle_is_drawn_from_its_upper_left_corner() -> None:
    page = Page(600, 800, (), (Rectangle(10, 20, 30, 40, (255, 0, 51)),))
    drawn = read(encode_document([page])).pages[0].get_contents()
    assert drawn is not None
    assert b"1 0 0.2 rg 10 740 30 40 re f" in drawn.get_data()


def test_the_same_pages_are_the_same_bytes() -> None:
    pages = [one_line("twice (the) \\ same")] * 2
    assert encode_document(pages) == encode_document(pages)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("東京", "no letter for CJK UNIFIED IDEOGRAPH-6771"),
        ("a🚲", "no letter for BICYCLE"),
        ("two\nlines", "control characters"),
        ("\x00", "control characters"),
        ("\x81", "no letter for U\\+0081"),
    ],
)
def test_what_the_font_cannot_show_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode_document([one_line(text)])


def test_a_document_without_pages_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one page"):
        encode_document([])
