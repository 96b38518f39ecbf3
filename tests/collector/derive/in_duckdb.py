"""DuckDB in memory."""

import duckdb
import ibis

from otel_vsm_collector.stores.duckdb.engine import DuckDB


class InDuckDB(DuckDB):
    def __init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        # As if every table were large, and every refresh a stretch of the journal.
        super().__init__(self.connection, large_rows=0, stretch_spans=1)

    @property
    def backend(self) -> ibis.BaseBackend:
        return ibis.duckdb.from_connection(self.connection.cursor())

    def close(self) -> None:
        self.connection.close()
