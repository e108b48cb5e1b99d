"""Files that change while they are sent."""

import os
from pathlib import Path

import pytest

from mockserver.http.ranged import SourceBroken
from mockserver.http.sources import CHUNK, OPENED_AHEAD, FilesSource
from mockserver.results.folder_results import FolderResults


@pytest.mark.parametrize("left", [0, 1000, CHUNK, 2 * CHUNK, 2 * CHUNK + 1])
@pytest.mark.parametrize("sent", [0, 1, 2])
def test_a_file_that_is_cut_at_any_time_is_never_sent_as_if_it_were_whole(tmp_path: Path, left: int, sent: int) -> None:
    """Cut before or after its length was read: what is missing is noticed, so the end of the body is never sent."""
    path = tmp_path / "all.ndjson"
    path.write_bytes(b"x" * (3 * CHUNK))
    source = FilesSource([path.name], 3 * CHUNK, FolderResults(tmp_path).open)
    chunks = source.chunks()
    received = sum(len(next(chunks)) for _ in range(sent))
    os.truncate(path, left)
    with pytest.raises(SourceBroken):
        received += sum(map(len, chunks))
    assert received < 3 * CHUNK
    source.close()


def test_of_many_files_the_first_are_open_from_the_beginning(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.ndjson" for number in range(OPENED_AHEAD + 2)]
    for path in paths:
        path.write_bytes(path.name.encode())
    size = sum(path.stat().st_size for path in paths)
    source = FilesSource([path.name for path in paths], size, FolderResults(tmp_path).open)
    for path in paths[:OPENED_AHEAD]:
        path.unlink()
    first = [path.name.encode() for path in paths]
    assert list(source.chunks()) == first
    source.close()


def test_of_many_files_one_of_the_last_may_be_missed(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.ndjson" for number in range(OPENED_AHEAD + 2)]
    for path in paths:
        path.write_bytes(b"x")
    size = sum(path.stat().st_size for path in paths)
    source = FilesSource([path.name for path in paths], size, FolderResults(tmp_path).open)
    paths[-1].unlink()
    chunks = source.chunks()
    assert [next(chunks) for _ in paths[:-1]] == [b"x"] * (len(paths) - 1)
    with pytest.raises(SourceBroken, match=r"9\.ndjson: No such file"):
        next(chunks)
    source.close()
