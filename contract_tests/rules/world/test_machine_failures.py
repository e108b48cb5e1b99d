"""Errors of the operating system and of SQLite, and the faults of the machine that they report."""

import errno
import os
from pathlib import Path

import apsw
import pytest

from mockserver.errors import ResourceFailed
from mockserver.world import machine_failures
from mockserver.world.machine_failures import find_machine_failure


@pytest.mark.parametrize(
    "number",
    [
        errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EIO, errno.ENXIO,
        errno.ENODEV, errno.ESTALE, errno.ENOMEM, errno.ENOLCK,
    ],
)  # fmt: skip
def test_an_error_of_the_machine_names_the_place_and_what_to_do(number: int) -> None:
    fault = find_machine_failure(OSError(number, os.strerror(number)), Path("/state/results"))
    assert fault is not None
    assert "/state/results: " in fault.message
    assert os.strerror(number) in fault.message
    assert fault.message.partition("; ")[2]


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EACCES, errno.EPERM])
def test_an_error_that_is_no_fault_without_a_file_is_one_with_it(number: int) -> None:
    assert find_machine_failure(OSError(number, "why")) is None
    fault = find_machine_failure(OSError(number, "why", "/state/file"))
    assert fault is not None
    assert "/state/file: why" in fault.message


def test_a_full_disk_is_that_of_the_file_which_a_copy_writes() -> None:
    fault = find_machine_failure(OSError(errno.ENOSPC, "No space left on device", "/cache/world", None, "/state/world"))
    assert fault is not None
    assert "the disk of /state/world: " in fault.message


@pytest.mark.parametrize("error", [ValueError("x"), OSError("x"), ConnectionResetError(errno.ECONNRESET, "x"),
                                   apsw.SQLError("x"), apsw.ConstraintError("x"), apsw.MisuseError("x")])  # fmt: skip
def test_what_says_nothing_about_the_machine_stays_a_bug(error: Exception) -> None:
    assert find_machine_failure(error, Path("/state")) is None


@pytest.mark.parametrize("kind", [apsw.FullError, apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.BusyError,
                                  apsw.LockedError, apsw.CorruptError, apsw.NotADBError, apsw.NoMemError,
                                  apsw.PermissionsError])  # fmt: skip
def test_every_error_of_sqlite_about_the_machine_names_the_database(kind: type[apsw.Error], tmp_path: Path) -> None:
    database = tmp_path / "world.sqlite"
    database.touch()
    fault = find_machine_failure(kind("why"), database)
    assert isinstance(fault, ResourceFailed)
    assert f"{database}: why; " in fault.message


def test_a_database_that_sqlite_cannot_open_because_it_is_gone_is_said_to_be_gone(tmp_path: Path) -> None:
    database = tmp_path / "gone" / "world.sqlite"
    with pytest.raises(apsw.CantOpenError) as raised:
        apsw.Connection(str(database))
    fault = find_machine_failure(raised.value, database)
    assert fault is not None
    assert "was deleted or moved" in fault.message


def test_the_log_has_one_line_for_each_cause(caplog: pytest.LogCaptureFixture) -> None:
    machine_failures._noted.clear()
    for name in ("a", "b", "c"):
        find_machine_failure(OSError(errno.ENOSPC, "full", f"/state/{name}"))
        find_machine_failure(OSError(errno.EIO, "broken", f"/state/{name}"))
    assert [record.getMessage().partition(" /")[0] for record in caplog.records] == [
        "No space left on the disk of", "The disk failed to read or write",
    ]  # fmt: skip
