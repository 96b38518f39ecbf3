"""DuckDB gives the rows that were asked for."""

import random
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from otel_vsm_collector.derive import engine as engine_module
from otel_vsm_collector.derive.engine import DuckDB


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """With a database in a file that is written when it is told to, as the ledger is."""
    with duckdb.connect(config={"threads": 1, "checkpoint_threshold": "1TB"}) as connection:
        connection.execute(f"ATTACH '{tmp_path / 'ledger'}' AS ledger (RECOVERY_MODE no_wal_writes)")
        connection.execute("USE ledger")
        yield connection


@pytest.mark.parametrize("group", [1000, 122_880])
def test_rows_that_are_picked_are_those_of_the_table(
    connection: duckdb.DuckDBPyConnection, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "_GROUP_ROWS", group)
    monkeypatch.setattr(engine_module, "_LARGE_ROWS", group)
    # Found by a join on rowid, strings of other rows came back after some thirty transactions.
    engine, dice, rows = DuckDB(connection), random.Random(0), 8000
    connection.execute(
        "CREATE TABLE owner AS"
        " SELECT md5(i::VARCHAR) AS id, 'github.com/acme/shop#' || i AS name FROM range(8000) t(i)"
    )
    connection.execute("CHECKPOINT ledger")

    def ask(numbers: list[int]) -> None:
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE asked AS"
            " SELECT i, md5(i::VARCHAR) AS id FROM (SELECT unnest(?) AS i)",
            [numbers],
        )

    for _ in range(40):
        connection.begin()
        engine.begin()
        old, new = dice.sample(range(rows - 1500, rows), 300), list(range(rows, rows + 170))
        rows += len(new)
        ask(old + new)
        engine.pick("gone", "rowid AS place", "owner", "id IN (SELECT id FROM asked)")
        engine.delete("owner", "rowid IN (SELECT place FROM gone)")
        engine.insert("owner", "SELECT id, 'github.com/acme/shop#' || i FROM asked")
        ask(old + new + dice.sample(range(rows - 3000, rows), 600))
        engine.pick("picked", "id, name", "owner", "id IN (SELECT id FROM asked)")
        connection.commit()
        wrong = (
            "SELECT DISTINCT id, 'github.com/acme/shop#' || i FROM asked EXCEPT SELECT id, name FROM picked"
        )
        assert connection.execute(wrong).fetchall() == []
    assert connection.execute("SELECT count(*), count(DISTINCT id) FROM owner").fetchall() == [(rows, rows)]
