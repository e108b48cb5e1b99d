"""The file of a world in SQLite."""

from pathlib import Path

from mockserver.world.sqlite import SqliteDatabase


def test_a_file_copied_half_is_not_there(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "a.sqlite")
    database.connect().close()
    database.settle()
    database.copy_to(tmp_path / "folder" / "b.sqlite")
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["b.sqlite"]
