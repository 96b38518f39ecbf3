"""The journal: every kept span as it came, in SQLite, the truth that all else can be made from again.

A row is what was committed together: OTLP trace requests in protobuf, one after the other (which is one
valid request again), compressed with zstd, with a checksum. Rows are numbered from 1 without gaps, so that
one that is not there was lost. Spans that no mapping was about stand apart, under the number of the row that
they came with: so it is known what they take.
"""

import os
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import apsw
import zstandard

from otel_vsm_collector.stores.folder import UnusableError, private_file

_VERSION = 1
# Telemetry is so repetitive that level 3 makes it 1 % smaller, and takes half as much time again.
_ZSTD_LEVEL = 1
# No message begins with a zero byte, so that reading it tells that the row is damaged.
_DAMAGED = b"\0"
_ROOM_BYTES = 256 << 10
_MEASURED_ROWS = 10_000
"""So many are looked at at a time for how large they are."""
_INSERT = "INSERT INTO batch VALUES (?, ?, ?)"


class StorageError(Exception):
    """The journal could not be written, now; nothing of what was to be written is in it."""


class Batch(NamedTuple):
    seq: int
    received_at: int
    """Nanoseconds since the epoch."""
    body: bytes
    """One OTLP trace request; not even that where the row is damaged."""


class Journal:
    """One thread may append while another reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            os.close(private_file(path))
            self._writer = _open(path)
            self._reader = _open(path)
            self.id = _identity(self._writer)
            row = self._writer.execute("SELECT coalesce(max(seq), 0) FROM batch").get
            unmapped_bytes = _unmapped_bytes(self._writer)
        except (OSError, apsw.Error) as error:
            raise UnusableError(
                f"the journal {path} cannot be opened ({error});"
                " restore it, or name another folder with --data"
            ) from None
        self.last_seq = int(row)
        self.unmapped_bytes = unmapped_bytes
        """What the spans take that no mapping was about."""
        self._compress = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compress
        self._reading = threading.Lock()

    def append(self, requests: Sequence[bytes], unmapped: Sequence[bytes] = ()) -> int:
        """Makes OTLP trace requests durable as one row; its number. StorageError if that fails.

        `unmapped` are those of spans that no mapping is about.
        """
        seq, received_at = self.last_seq + 1, time.time_ns()
        row = (seq, received_at, self._compress(b"".join(requests)))
        unmapped_body = self._compress(b"".join(unmapped)) if unmapped else b""
        try:
            if unmapped_body:
                with self._writer:
                    self._writer.execute(_INSERT, row)
                    self._writer.execute("INSERT INTO unmapped VALUES (?, ?)", (seq, unmapped_body))
            else:
                # A statement of its own is a transaction of its own.
                self._writer.execute(_INSERT, row)
        except (apsw.Error, OSError) as error:
            raise StorageError(str(error)) from error
        self.last_seq = seq
        self.unmapped_bytes += len(unmapped_body)
        return seq

    def try_room(self) -> None:
        """Writes as much as a usual row and takes it out again. StorageError if that fails."""
        try:
            self._writer.execute("CREATE TABLE IF NOT EXISTS room (body BLOB NOT NULL) STRICT")
            self._writer.execute("INSERT INTO room VALUES (zeroblob(?))", (_ROOM_BYTES,))
            self._writer.execute("DELETE FROM room")
        except (apsw.Error, OSError) as error:
            raise StorageError(str(error)) from error

    def read(self, first_seq: int, last_seq: int) -> list[Batch]:
        """The rows with first_seq ≤ seq ≤ last_seq, in order; one with unmapped spans in two parts.

        Those that lie on a damaged page are not among them.
        """
        rows = self._readable(
            "SELECT seq, received_at, body FROM batch WHERE seq BETWEEN ?1 AND ?2"
            " UNION ALL SELECT seq, received_at, unmapped.body FROM unmapped JOIN batch USING (seq)"
            " WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq",
            first_seq,
            last_seq,
        )
        return [
            Batch(seq, received_at, _decompress(body)) for seq, received_at, body in cast(list[Batch], rows)
        ]

    def _readable(self, query: str, first_seq: int, last_seq: int) -> list[tuple[Any, ...]]:
        """What a query answers of these rows, without those that cannot be read for damage."""
        try:
            with self._reading:
                return self._reader.execute(query, (first_seq, last_seq)).fetchall()
        except (apsw.CorruptError, apsw.NotADBError):
            if first_seq >= last_seq:
                return []
        middle = (first_seq + last_seq) // 2
        return [
            *self._readable(query, first_seq, middle),
            *self._readable(query, middle + 1, last_seq),
        ]

    def end_of(self, first_seq: int, size: int, last_seq: int) -> int:
        """The row with which the rows from `first_seq` on take `size` bytes, at most `last_seq`."""
        lengths = self._readable(
            "SELECT seq, length(batch.body) + coalesce(length(unmapped.body), 0)"
            " FROM batch LEFT JOIN unmapped USING (seq) WHERE seq BETWEEN ? AND ? ORDER BY seq",
            first_seq,
            min(last_seq, first_seq + _MEASURED_ROWS - 1),
        )
        for seq, length in lengths:
            size -= length
            if size <= 0:
                return int(seq)
        return min(last_seq, first_seq + _MEASURED_ROWS - 1)

    def arrivals(self, first_seq: int, last_seq: int) -> list[tuple[int, int]]:
        """The numbers of the rows with first_seq ≤ seq ≤ last_seq, and when each was kept, as far as they can
        be read."""
        query = "SELECT seq, received_at FROM batch WHERE seq BETWEEN ? AND ? ORDER BY seq"
        return cast(list[tuple[int, int]], self._readable(query, first_seq, last_seq))

    def received_at(self, seq: int) -> int | None:
        """When a row was kept, in nanoseconds since the epoch; None where there is no such row."""
        rows = self.arrivals(seq, seq)
        return rows[0][1] if rows else None

    def size_bytes(self) -> int:
        """What the journal takes on disk."""
        files = (self._path, self._path.with_name(self._path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def close(self) -> None:
        self._reader.close()
        self._writer.close()


def _open(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(5000)
    connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    return connection


def _identity(connection: apsw.Connection) -> str:
    """A name that no other journal has; the tables are made where they are missing."""
    with connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS batch"
            " (seq INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, body BLOB NOT NULL) STRICT;"
            # A version that does not know this table finds in `batch` all that it knows.
            "CREATE TABLE IF NOT EXISTS unmapped (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;"
            "CREATE TABLE IF NOT EXISTS journal (id TEXT NOT NULL, version INTEGER NOT NULL) STRICT"
        )
        row: Any = connection.execute("SELECT id, version FROM journal").fetchone()
        if row is None:
            row = (uuid.uuid4().hex, _VERSION)
            connection.execute("INSERT INTO journal VALUES (?, ?)", row)
    identity, version = row
    if version > _VERSION:
        raise UnusableError(
            f"the journal has version {version} and this otel-vsm reads {_VERSION}; install a newer one"
        )
    return str(identity)


def _unmapped_bytes(connection: apsw.Connection) -> int:
    size: int = connection.execute("SELECT coalesce(sum(length(body)), 0) FROM unmapped").get
    return size


def _decompress(body: bytes) -> bytes:
    try:
        return zstandard.decompress(body)
    except zstandard.ZstdError:
        return _DAMAGED
