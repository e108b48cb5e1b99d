"""DICOM files, read by pydicom."""

import io

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from mockserver.generate.files.dicom import build_uid, encode_dicom


@st.composite
def volumes(draw: st.DrawFn) -> tuple[int, int, list[bytes]]:
    width, height = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    frame = st.binary(min_size=width * height, max_size=width * height)
    return width, height, draw(st.lists(frame, min_size=1, max_size=5))


@given(volumes(), st.text(max_size=10))
def test_a_reader_finds_every_pixel(volume: tuple[int, int, list[bytes]], name: str) -> None:
    width, height, frames = volume
    read = pydicom.dcmread(io.BytesIO(encode_dicom(width, height, frames, name=name)))
    assert (read.Columns, read.Rows, int(read.NumberOfFrames)) == (width, height, len(frames))
    pixels = read.pixel_array.reshape(len(frames), height, width)
    assert [picture.tobytes() for picture in pixels] == frames


def test_a_file_says_what_it_is() -> None:
    read = pydicom.dcmread(io.BytesIO(encode_dicom(4, 4, [bytes(16)] * 2, name="n")))
    assert read.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
    assert read.SOPClassUID.name == "Multi-frame Grayscale Byte Secondary Capture Image Storage"
    assert read.file_meta.MediaStorageSOPInstanceUID == read.SOPInstanceUID
    assert read.PhotometricInterpretation == "MONOCHROME2"
    tags = [element.tag for element in read]
    assert tags == sorted(tags)


@given(st.text(), st.text())
def test_unique_ids_are_valid_and_differ(one: str, other: str) -> None:
    assert UID(build_uid(one)).is_valid
    assert (build_uid(one) == build_uid(other)) is (one == other)


@pytest.mark.parametrize("frames", [[], [b"123"]])
def test_frames_of_another_size_are_refused(frames: list[bytes]) -> None:
    with pytest.raises(ValueError, match="frames of 2 \\* 2 bytes"):
        encode_dicom(2, 2, frames, name="n")
