"""The worlds that tests tell spans to, one on every engine."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The vocabulary of the scenario files, shared by the tests of this folder.
sys.path.insert(0, str(Path(__file__).parent))

from world import World


@pytest.fixture(scope="module")
def duckdb_world() -> Iterator[World]:
    from in_duckdb import InDuckDB

    engine = InDuckDB()
    yield World(engine)
    engine.close()


@pytest.fixture(scope="module")
def clickhouse_world() -> Iterator[World]:
    pytest.importorskip("chdb", reason="ClickHouse in process comes with the dev extra, where chdb is built")
    from in_clickhouse import InClickHouse

    engine = InClickHouse()
    yield World(engine)
    engine.close()
