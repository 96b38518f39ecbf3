"""DuckDB gives the rows that were asked for, also where it skips most of a table."""

import random
from collections.abc import Iterator
from pathlib import Path

import duckdb
import ibis
import pytest

from otel_vsm_collector.derive.refresh.planning import columns_of
from otel_vsm_collector.stores.duckdb.engine import DuckDB
from otel_vsm_collector.stores.engine import Within

SPAN = ibis.schema({"seq": "int64", "trace_id": "string"})
CHANGE = ibis.schema({"id": "string", "repository": "string"})
ASKED = Within(("id",), "asked", ("id",))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """With a database in a file that is written when it is told to, as the ledger is."""
    with duckdb.connect(config={"threads": 1, "checkpoint_threshold": "1TB"}) as connection:
        connection.execute(f"ATTACH '{tmp_path / 'ledger'}' AS ledger (RECOVERY_MODE no_wal_writes)")
        connection.execute("USE ledger")
        yield connection


def engine_of(connection: duckdb.DuckDBPyConnection) -> DuckDB:
    """One that takes every table for a large one, and a few spans for a segment."""
    engine = DuckDB(connection, large_rows=0, segment_spans=3)
    for name, schema in (("span", SPAN), ("span_link", SPAN), ("change", CHANGE)):
        engine.create_table(name, columns_of(schema, engine.dialect))
    return engine


def take(engine: DuckDB, connection: duckdb.DuckDBPyConnection, seq: int, changes: list[int]) -> None:
    """As a refresh does: the changes are looked up, taken out and put in again."""
    connection.begin()
    connection.execute("INSERT INTO span SELECT ?, md5(unnest(?)::VARCHAR)", [seq, changes])
    engine.begin(seq, seq)
    engine.fill("asked", f"SELECT md5(i::VARCHAR) AS id, i FROM (SELECT unnest({changes}) AS i)")
    engine.drop("change", ASKED)
    engine.insert("change", "SELECT id, 'github.com/acme/shop#' || i FROM asked")
    engine.end()
    connection.commit()


def picked(engine: DuckDB, connection: duckdb.DuckDBPyConnection, changes: list[int]) -> list[tuple[str]]:
    engine.fill("asked", f"SELECT md5(i::VARCHAR) AS id FROM (SELECT unnest({changes}) AS i)")
    engine.pick("picked", "repository", "change", ASKED)
    return connection.execute("FROM picked ORDER BY ALL").fetchall()


def test_rows_that_are_picked_are_those_of_the_table(connection: duckdb.DuckDBPyConnection) -> None:
    # Found by a join on rowid, strings of other rows came back after some thirty transactions.
    engine, dice = engine_of(connection), random.Random(0)
    for seq in range(60):
        take(engine, connection, seq, dice.sample(range(10 * seq + 20), 20))
        if seq % 7 == 0:
            connection.execute("CHECKPOINT ledger")
        asked = dice.sample(range(10 * seq + 20), 15)
        known = connection.execute(
            "SELECT repository FROM change WHERE id IN (SELECT md5(unnest(?)::VARCHAR)) ORDER BY ALL", [asked]
        ).fetchall()
        connection.begin()
        engine.begin(seq + 1, seq + 1)
        assert picked(engine, connection, asked) == known
        connection.commit()
    assert connection.execute("SELECT count(*) - count(DISTINCT id) FROM change").fetchall() == [(0,)]


def test_where_rows_are_is_known_after_a_restart(connection: duckdb.DuckDBPyConnection) -> None:
    first = engine_of(connection)
    for seq in range(10):
        take(first, connection, seq, [seq, seq + 1, seq + 2, seq + 3])
    second = engine_of(connection)
    second.begin(10, 10)
    assert picked(second, connection, [3, 12]) == [("github.com/acme/shop#12",), ("github.com/acme/shop#3",)]


def test_what_is_far_from_what_was_asked_for_is_not_read(connection: duckdb.DuckDBPyConnection) -> None:
    engine = engine_of(connection)
    for seq in range(10):
        take(engine, connection, seq, [10 * seq + number for number in range(4)])
    # As if somebody had changed it behind its back: a row of a change that was not there then.
    connection.execute("UPDATE facts.change SET id = md5('3'), repository = 'x' WHERE id = md5('50')")
    engine.begin(10, 10)
    assert picked(engine, connection, [3]) == [("github.com/acme/shop#3",)]


def test_a_refresh_that_failed_leaves_no_trace(connection: duckdb.DuckDBPyConnection) -> None:
    engine = engine_of(connection)
    take(engine, connection, 1, [1, 2, 3])
    connection.begin()
    connection.execute("INSERT INTO span SELECT 2, 'x' FROM range(5)")
    engine.begin(2, 2)
    engine.insert("change", "SELECT md5('4'), 'wrong'")
    engine.end()
    connection.rollback()
    take(engine, connection, 2, [4, 5, 6])
    engine.begin(3, 3)
    assert picked(engine, connection, [1, 4]) == [("github.com/acme/shop#1",), ("github.com/acme/shop#4",)]
    assert connection.execute("SELECT DISTINCT segment_end FROM facts.segment_key ORDER BY 1").fetchall() == [
        (1,),
        (2,),
    ]
