"""The media type of an imported data row follows from what the client sent; nothing is fetched."""

import pytest

from mockserver.imports.media import build_content


@pytest.mark.known("inferred")
@pytest.mark.parametrize(
    ("row_data", "media_type"),
    [
        ("https://files.example/street.jpg", "IMAGE"),
        ("https://files.example/street%20(2).JPG?version=3", "IMAGE"),
        ("https://files.example/street (2).jpg", "IMAGE"),
        ("gs://bucket/a folder/clip.mp4", "VIDEO"),
        ("https://files.example/without-extension", "IMAGE"),
        ("https://files.example/ is a site of samples.", "TEXT"),
        ("https://files.example/a.jpg\nand more", "TEXT"),
        ("see https://files.example/a.jpg", "TEXT"),
        ("A plain text", "TEXT"),
    ],
)
def test_a_url_is_a_file_also_with_blanks_and_everything_else_is_a_text(row_data: str, media_type: str) -> None:
    assert build_content(row_data).media_type == media_type
