"""The ledger's tables in Arrow and in DuckDB are the same tables."""

import duckdb
import pytest

from otel_vsm_collector.spans.columns import TABLES, ddl, schema


@pytest.mark.parametrize("table", TABLES)
def test_both_descriptions_agree(table: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(ddl(table))
        assert connection.sql(f"FROM {table}").to_arrow_table().schema == schema(table)
