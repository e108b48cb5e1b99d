"""Moving mosaics as H.264 (ITU-T H.264): pictures of cells of 16 x 16 pixels, each of one colour.

That is all a test clip needs, and it makes an encoder small: a cell is one macroblock, predicted from its left (or
upper) neighbour, plus the difference of the two colours, which is exact at the quantiser chosen here. From the second
picture on, cells that did not change are skipped. A clip is the same bytes on every machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

CELL = 16
Colour = tuple[int, int, int]
"""Luma, blue and red difference: 16 to 235 and 16 to 240 (ITU-R BT.601)."""
Cells = Sequence[Sequence[Colour]]
"""Rows of a picture, from the top, each from the left."""

GREY = (128, 128, 128)
"""What the first macroblock of a picture is predicted from (8.3.3.3)."""
BASELINE, LEVEL = 66, 40
QUANTISER = 18
"""At which a step of a coefficient is less than a step of any colour."""
LUMA_STEP, CHROMA_STEP = 20, 40
"""64ths by which a coefficient of 1 changes the pixels there (8.5.10 and 8.5.11 for a lone first coefficient)."""
FRAME_NUMBERS = 16

SEQUENCE_SET, PICTURE_SET, FIRST_PICTURE, LATER_PICTURE = 0x67, 0x68, 0x65, 0x61
"""Headers of the units (7.3.1)."""


def to_ycbcr(red: int, green: int, blue: int) -> Colour:
    """The colour as video has it (ITU-R BT.601, whole numbers)."""
    return (
        16 + (66 * red + 129 * green + 25 * blue + 128 >> 8),
        128 + (-38 * red - 74 * green + 112 * blue + 128 >> 8),
        128 + (112 * red - 94 * green - 18 * blue + 128 >> 8),
    )


def encode_sequence_set(width: int, height: int) -> bytes:
    """A picture's size, in pixels; odd ones cannot be encoded (7.3.2.1.1)."""
    if width < 2 or height < 2 or width % 2 or height % 2:
        raise ValueError(f"a clip's width and height are even numbers from 2, not {width}x{height}")
    columns, rows = -(-width // CELL), -(-height // CELL)
    right, below = (columns * CELL - width) // 2, (rows * CELL - height) // 2
    cropping = "1" + ue(0) + ue(right) + ue(0) + ue(below) if right or below else "0"
    bits = [
        f"{BASELINE:08b}{0xC0:08b}{LEVEL:08b}",
        ue(0), ue(0),  # its number; frame numbers of four bits
        ue(2), ue(1), "0",  # shown in the order of decoding; one reference; no gaps
        ue(columns - 1), ue(rows - 1), "1", "1", cropping, "0",
    ]  # fmt: skip
    return encode_unit(SEQUENCE_SET, "".join(bits))


def encode_picture_set() -> bytes:
    """Variable-length codes, our quantiser, and no smoothing of edges (7.3.2.2)."""
    bits = [ue(0), ue(0), "0", "0", ue(0), ue(0), ue(0), "0", "00", se(QUANTISER - 26), se(0), se(0), "1", "0", "0"]
    return encode_unit(PICTURE_SET, "".join(bits))


def encode_pictures(clip: Iterable[Cells]) -> Iterator[bytes]:
    """The unit of each picture; the first is complete, the others build on the one before."""
    before: Cells | None = None
    for number, cells in enumerate(clip):
        yield encode_first_picture(cells) if before is None else encode_later_picture(cells, before, number)
        before = cells


def encode_first_picture(cells: Cells) -> bytes:
    head = [ue(0), ue(7), ue(0), "0" * 4, ue(0), "00", se(0), ue(1)]
    body = [
        encode_macroblock(cells, row, column, skipped="", offset=0)
        for row, line in enumerate(cells)
        for column in range(len(line))
    ]
    return encode_unit(FIRST_PICTURE, "".join(head + body))


def encode_later_picture(cells: Cells, before: Cells, number: int) -> bytes:
    bits = [ue(0), ue(5), ue(0), f"{number % FRAME_NUMBERS:04b}", "000", se(0), ue(1)]
    skipped = 0
    for row, (line, old) in enumerate(zip(cells, before, strict=True)):
        if line == old:
            skipped += len(line)
            continue
        for column, colour in enumerate(line):
            if colour == old[column]:
                skipped += 1
            else:
                bits.append(encode_macroblock(cells, row, column, skipped=ue(skipped), offset=5))
                skipped = 0
    return encode_unit(LATER_PICTURE, "".join([*bits, ue(skipped) if skipped else ""]))


def encode_macroblock(cells: Cells, row: int, column: int, *, skipped: str, offset: int) -> str:
    """One cell (7.3.5). `offset` is where the types of such macroblocks begin in the kind of slice."""
    if column:
        near, luma_mode, chroma_mode = cells[row][column - 1], 1, 1
    elif row:
        near, luma_mode, chroma_mode = cells[row - 1][0], 0, 2
    else:
        near, luma_mode, chroma_mode = GREY, 2, 0
    luma, blue, red = (new - old for new, old in zip(cells[row][column], near, strict=True))
    coloured = blue != 0 or red != 0
    kind = offset + 1 + luma_mode + 4 * coloured
    bits = skipped + ue(kind) + ue(chroma_mode) + se(0) + encode_lone(quantize(luma, LUMA_STEP), "1", "01", "000101")
    if not coloured:
        return bits
    return bits + "".join(encode_lone(quantize(each, CHROMA_STEP), "01", "1", "000111") for each in (blue, red))


def quantize(difference: int, step: int) -> int:
    """The coefficient that changes pixels by `difference`: rounded as decoders round, it is exact."""
    return -((32 - 64 * difference) // step)


def encode_lone(value: int, none: str, one: str, more: str) -> str:
    """A block whose only coefficient is the first (9.2): the words that tell of none, of 1 or -1, and of any other."""
    if value == 0:
        return none
    if abs(value) == 1:
        return one + ("0" if value > 0 else "1") + "1"
    code = 2 * value - 4 if value > 0 else -2 * value - 3
    if code < 14:
        return more + "0" * code + "1" + "1"
    if code < 30:
        return f"{more}{'0' * 14}1{code - 14:04b}1"
    return f"{more}{'0' * 15}1{code - 30:012b}1"


def ue(number: int) -> str:
    """An Exp-Golomb code (9.1)."""
    code = f"{number + 1:b}"
    return "0" * (len(code) - 1) + code


def se(number: int) -> str:
    """An Exp-Golomb code of a number with a sign (9.1.1)."""
    return ue(2 * number - 1 if number > 0 else -2 * number)


def encode_unit(header: int, bits: str) -> bytes:
    """The bits with their end marked, kept from looking like the start of a unit (7.4.1)."""
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    raw = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return bytes([header]) + re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", raw)
