"""The engines that scenarios are derived on: DuckDB in memory, ClickHouse in this process."""

from typing import Protocol

import duckdb
import pytest

from otel_vsm_collector.facts.reader import BackendReader, DuckDBReader, Reader
from otel_vsm_collector.facts.tables import FactTables
from otel_vsm_collector.stores.duckdb.engine import DuckDB
from otel_vsm_collector.stores.engine import Engine


class EngineWithFigures(Engine, Protocol):
    inline: bool
    """Whether facts have to be expressions, since there are no temporary tables for them."""

    def reader(self, facts: FactTables) -> Reader:
        """What computes figures from the facts as they are now."""

    def close(self) -> None:
        """Gives back what it holds; nothing can be asked of it any more."""


class InDuckDB(DuckDB):
    inline = False

    def __init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        # As if every table were large, and every refresh a segment of the journal.
        super().__init__(self.connection, large_rows=0, segment_spans=1)

    def reader(self, facts: FactTables) -> Reader:
        return DuckDBReader(self.connection.cursor(), facts)

    def close(self) -> None:
        self.connection.close()


def clickhouse() -> EngineWithFigures:
    """ClickHouse in memory; skips the test where it is not installed."""
    pytest.importorskip("chdb", reason="ClickHouse in process comes with the dev extra, where chdb is built")
    import clickhouse_connect

    from otel_vsm_collector.stores.clickhouse.engine import SETTINGS, ClickHouse

    class InClickHouse(ClickHouse):
        inline = True

        def reader(self, facts: FactTables) -> Reader:
            return BackendReader(self.backend, facts)

    return InClickHouse(clickhouse_connect.get_client(interface="chdb", settings=SETTINGS | _SMALL))


_SMALL = {
    # The ledgers of tests are small: planning and compiling cost more here than computing.
    "max_threads": 1,
    "compile_expressions": 0,
    "compile_aggregate_expressions": 0,
    "compile_sort_description": 0,
    "enable_join_runtime_filters": 0,
}
