"""Documents as PDF files with a text layer: lines in one fixed-width font, and filled rectangles.

Streams are not compressed: what `zlib` writes differs between its builds, one world is the same bytes on every machine,
and a page of text is small. The font is one of those that every reader has (ISO 32000-1, section 9.6.2.2). All its
letters are of one width, so that the position of a word follows from its place in the line.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import msgspec

FONT = "Courier"
ADVANCE = 0.6
"""Width of every letter, in font sizes (Adobe's metrics of Courier: 600 of 1,000)."""
ASCENT = 0.8
"""From the top of a letter's box to its baseline, in font sizes; the box is one font size high."""
ENCODING = "cp1252"
"""What PDF calls WinAnsiEncoding: the scripts of western Europe."""

Colour = tuple[int, int, int]
"""Red, green, blue; 0 to 255 each."""


class Line(msgspec.Struct, frozen=True):
    """Text whose letter boxes begin at `left` and `top`, in points from the page's upper left corner."""

    left: float
    top: float
    size: float
    text: str


class Rectangle(msgspec.Struct, frozen=True):
    """Filled; in points from the page's upper left corner."""

    left: float
    top: float
    width: float
    height: float
    colour: Colour


class Page(msgspec.Struct, frozen=True):
    """Width and height in points, 72 to the inch."""

    width: float
    height: float
    lines: tuple[Line, ...]
    rectangles: tuple[Rectangle, ...] = ()


def encode_document(pages: Sequence[Page]) -> bytes:
    """The file. Raises ValueError without pages, and for text that the font has no letters for."""
    if not pages:
        raise ValueError("a document needs at least one page")
    firsts = range(4, 4 + 2 * len(pages), 2)  # each page is two objects: itself and what is drawn on it
    kids = " ".join(f"{first} 0 R" for first in firsts)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        f"<< /Type /Font /Subtype /Type1 /BaseFont /{FONT} /Encoding /WinAnsiEncoding >>".encode(),
    ]
    for first, page in zip(firsts, pages, strict=True):
        box = f"[0 0 {_format_number(page.width)} {_format_number(page.height)}]"
        resources = "<< /Font << /F1 3 0 R >> >>"
        head = f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Resources {resources} /Contents {first + 1} 0 R >>"
        drawn = _encode_page(page)
        objects += [head.encode(), b"<< /Length %d >>\nstream\n%b\nendstream" % (len(drawn), drawn)]
    return _encode_file(objects)


def _encode_file(objects: list[bytes]) -> bytes:
    """Objects are numbered from 1; the table at the end says where each begins."""
    # The second line says to programs that the file is not plain text (ISO 32000-1, section 7.5.2).
    content = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    starts = []
    for number, part in enumerate(objects, start=1):
        starts.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, part)
    table = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    content += b"".join(b"%010d 00000 n \n" % start for start in starts)
    content += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(content)


def _encode_page(page: Page) -> bytes:
    """The page's operators: rectangles first, text over them. PDF counts upwards from the lower left corner."""
    operators = []
    for shape in page.rectangles:
        red, green, blue = (_format_number(part / 255) for part in shape.colour)
        below = _format_number(page.height - shape.top - shape.height)
        corner = f"{_format_number(shape.left)} {below} {_format_number(shape.width)} {_format_number(shape.height)}"
        operators.append(f"{red} {green} {blue} rg {corner} re f".encode())
    operators.append(b"0 0 0 rg")
    for line in page.lines:
        baseline = _format_number(page.height - line.top - ASCENT * line.size)
        place = f"BT /F1 {_format_number(line.size)} Tf {_format_number(line.left)} {baseline} Td".encode()
        operators.append(b"%b (%b) Tj ET" % (place, _encode_literal(line.text)))
    return b"\n".join(operators)


def _encode_literal(text: str) -> bytes:
    """A string between parentheses. Raises ValueError for control characters and letters outside the encoding."""
    try:
        escaped = text.encode(ENCODING)
    except UnicodeEncodeError as error:
        letter = unicodedata.name(text[error.start], f"U+{ord(text[error.start]):04X}")
        raise ValueError(f"{FONT} has no letter for {letter}; write it in a western European script") from None
    if any(unicodedata.category(letter) == "Cc" for letter in text):
        raise ValueError(f"a line holds no control characters; make lines of {text!r} first")
    return escaped.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _format_number(value: float) -> str:
    """At most three decimals, and never with an exponent, which PDF does not know."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
