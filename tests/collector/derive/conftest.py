"""The worlds that tests tell spans to, one on every engine."""

from collections.abc import Iterator

import pytest

from scenarios.engines import InDuckDB, clickhouse
from scenarios.world import World


@pytest.fixture(scope="module")
def duckdb_world() -> Iterator[World]:
    engine = InDuckDB()
    yield World(engine)
    engine.close()


@pytest.fixture(scope="module")
def clickhouse_world() -> Iterator[World]:
    engine = clickhouse()
    yield World(engine)
    engine.close()
