"""The engine of the ledger in ClickHouse.

The collector does not offer it by `--store` yet. The tests run it in their own process: it is what
holds every rule of deriving and every figure to a second engine.
"""

import ibis
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from ibis.backends.sql.compilers.clickhouse import compiler

from otel_vsm_collector.stores.clickhouse.backend import ExactBackend
from otel_vsm_collector.stores.clickhouse.common_parts import last_part, parts_of
from otel_vsm_collector.stores.engine import Columns, Within, ddl

SETTINGS = {
    # What standard SQL says: who has no partner in a join has nulls, the sum of nothing is null, and a name
    # means a column before it means another expression of the same SELECT.
    "join_use_nulls": 1,
    "aggregate_functions_null_for_empty": 1,
    "prefer_column_name_to_alias": 1,
    # A deletion is over when its statement is.
    "mutations_sync": 1,
}
"""Of the client's session: with others, the same expressions would mean something else."""


class ClickHouse:
    """The engine of the ledger, its tables in memory; a refresh is no transaction here."""

    dialect = "clickhouse"
    layout = ""  # its tables do not outlive the process

    def __init__(self, client: Client) -> None:
        """The client has `SETTINGS`."""
        self._client = client

    @property
    def backend(self) -> ibis.BaseBackend:
        """What computes figures from the facts."""
        return ExactBackend.from_connection(self._client)

    def close(self) -> None:
        self._client.close()

    def begin(self, first_seq: int, last_seq: int) -> None:
        pass

    def end(self) -> None:
        pass

    def create_table(self, name: str, columns: Columns) -> None:
        row = "rowid UInt64 MATERIALIZED generateSnowflakeID()"
        self._client.command(f"CREATE TABLE IF NOT EXISTS {name} ({ddl(columns)}, {row}) ENGINE = Memory")

    def create_scratch(self, name: str, columns: Columns) -> None:
        self._client.command(f"CREATE OR REPLACE TEMPORARY TABLE {name} ({ddl(columns)}) ENGINE = Memory")

    def fill(self, name: str, query: str) -> int:
        left = last_part(self._client, parts_of(query))
        self._client.command(f"CREATE OR REPLACE TEMPORARY TABLE {name} ENGINE = Memory AS {left}")
        ((rows,),) = self._client.query(f"SELECT count() FROM {name}").result_rows
        return int(rows)

    def pick(self, name: str, columns: str, table: str, within: Within) -> int:
        return self.fill(name, f"SELECT {columns} FROM {table} WHERE {within.condition}")

    def load(self, name: str, rows: pa.Table) -> int:
        self.create_scratch(name, _columns_of(rows.schema))
        if rows.num_rows:
            self._client.insert_arrow(name, rows)
        return int(rows.num_rows)

    def arrow(self, query: str) -> pa.Table:
        return self._client.query_arrow(query)

    def insert(self, name: str, query: str) -> None:
        self.fill("inserted", query)
        self._client.command(f"INSERT INTO {name} SELECT * FROM inserted")

    def drop(self, table: str, within: Within) -> None:
        self.delete(table, within.condition)

    def delete(self, name: str, where: str) -> None:
        if where == "true":
            self._client.command(f"TRUNCATE TABLE {name}")
        else:
            self._client.command(f"ALTER TABLE {name} DELETE WHERE {where}")


def _columns_of(schema: pa.Schema) -> Columns:
    types = ibis.Schema.from_pyarrow(schema).items()
    return {name: compiler.type_mapper.to_string(kind) for name, kind in types}
