"""The journal keeps what it says it kept, and nothing of what it could not keep."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest
import zstandard

from otel_vsm_collector.stores.folder import DataFolder, UnusableError
from otel_vsm_collector.stores.journal import Journal, StorageError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def bodies(path: Path) -> list[tuple[int, bytes]]:
    journal = Journal(path)
    rows = [(row.seq, row.body) for row in journal.read(1, journal.last_seq)]
    journal.close()
    return rows


def test_rows_are_numbered_from_one_across_restarts(path: Path) -> None:
    journal = Journal(path)
    identity = journal.id
    assert [journal.append([b"a", b"b"]), journal.append([b"c"])] == [1, 2]
    journal.close()
    journal = Journal(path)
    assert (journal.id, journal.append([b"d"])) == (identity, 3)
    journal.close()
    assert bodies(path) == [(1, b"ab"), (2, b"c"), (3, b"d")]


def test_two_journals_have_two_identities(tmp_path: Path) -> None:
    first, second = Journal(tmp_path / "1"), Journal(tmp_path / "2")
    assert first.id != second.id


def test_a_full_disk_keeps_nothing_and_is_got_over(path: Path) -> None:
    journal = Journal(path)
    journal.append([b"before"])
    pages = journal._writer.pragma("page_count")
    journal._writer.pragma("max_page_count", pages)
    with pytest.raises(StorageError, match="full"):
        journal.append([bytes(range(256)) * 4096, os.urandom(1 << 20)])
    with pytest.raises(StorageError, match="full"):
        journal.try_room()
    journal._writer.pragma("max_page_count", 1 << 20)
    journal.try_room()
    assert journal.append([b"after"]) == 2
    journal.close()
    assert bodies(path) == [(1, b"before"), (2, b"after")]


def test_a_damaged_row_is_no_request(path: Path) -> None:
    journal = Journal(path)
    journal.append([b"a"])
    journal.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE batch SET body = x'00'")
    assert bodies(path) == [(1, b"\0")]


def test_what_is_no_journal_is_not_touched(path: Path) -> None:
    path.write_bytes(b"my holiday photographs" * 100)
    with pytest.raises(UnusableError, match="cannot be opened"):
        Journal(path)
    assert path.read_bytes() == b"my holiday photographs" * 100


def test_a_journal_of_the_future_is_left_alone(path: Path) -> None:
    Journal(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE journal SET version = 99")
    with pytest.raises(UnusableError, match="install a newer one"):
        Journal(path)


def test_its_size_counts_what_is_not_folded_in_yet(path: Path) -> None:
    journal = Journal(path)
    before = journal.size_bytes()
    journal.append([os.urandom(100_000)])
    assert journal.size_bytes() >= before + 100_000


def test_files_are_the_owners_only(tmp_path: Path) -> None:
    data = tmp_path / "data"
    folder = DataFolder(data)
    journal = Journal(data / "journal.sqlite")
    journal.append([b"a"])
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in data.iterdir()} == {0o600}
    journal.close()
    folder.close()


def test_a_folder_belongs_to_one_collector(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    with pytest.raises(UnusableError, match="another collector is using the data folder"):
        DataFolder(tmp_path)
    folder.close()
    DataFolder(tmp_path).close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnusableError, match="name another one with --data"):
        DataFolder(tmp_path / "file" / "data")


def test_rows_are_read_in_portions_of_so_many_bytes(path: Path) -> None:
    journal = Journal(path)
    for _ in range(4):
        journal.append([b"a"])
    size = len(zstandard.ZstdCompressor(level=1, write_checksum=True).compress(b"a"))
    assert [journal.end_of(2, given, 4) for given in (1, size, size + 1, 10 * size)] == [2, 2, 3, 4]
    journal.close()
