"""ClickHouse in this process, its tables in memory."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import clickhouse_connect
import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
import sqlglot
from clickhouse_connect.driver.client import Client
from ibis.backends.clickhouse import Backend
from ibis.backends.sql.compilers.clickhouse import ClickHouseCompiler, compiler
from sqlglot.expressions import Expression

from otel_vsm_collector.stores.engine import Within

SETTINGS = {
    # What standard SQL says: who has no partner in a join has nulls, the sum of nothing is null, and a name
    # means a column before it means another expression of the same SELECT.
    "join_use_nulls": 1,
    "aggregate_functions_null_for_empty": 1,
    "prefer_column_name_to_alias": 1,
    # A deletion is over when its statement is.
    "mutations_sync": 1,
    # The ledgers of tests are small: planning and compiling cost more here than computing.
    "max_threads": 1,
    "compile_expressions": 0,
    "compile_aggregate_expressions": 0,
    "compile_sort_description": 0,
    "enable_join_runtime_filters": 0,
}


class InClickHouse:
    """The plan's engine; a refresh is no transaction here."""

    dialect = "clickhouse"

    def __init__(self) -> None:
        self._client = clickhouse_connect.get_client(interface="chdb", settings=SETTINGS)

    @property
    def backend(self) -> ibis.BaseBackend:
        return _ExactBackend.from_connection(self._client)

    def close(self) -> None:
        self._client.close()

    def begin(self, first_seq: int, last_seq: int) -> None:
        pass

    def end(self) -> None:
        pass

    def keep(self, name: str, schema: ibis.Schema) -> None:
        row = "rowid UInt64 MATERIALIZED generateSnowflakeID()"
        self._client.command(f"CREATE OR REPLACE TABLE {name} ({_ddl(schema)}, {row}) ENGINE = Memory")

    def create(self, name: str, schema: ibis.Schema) -> None:
        self._client.command(f"CREATE OR REPLACE TEMPORARY TABLE {name} ({_ddl(schema)}) ENGINE = Memory")

    def fill(self, name: str, query: str) -> int:
        rows = _last_part(self._client, _parts(query))
        self._client.command(f"CREATE OR REPLACE TEMPORARY TABLE {name} ENGINE = Memory AS {rows}")
        return int(self._client.command(f"SELECT count() FROM {name}"))

    def pick(self, name: str, columns: str, table: str, within: Within) -> int:
        return self.fill(name, f"SELECT {columns} FROM {table} WHERE {within.condition}")

    def load(self, name: str, rows: pa.Table) -> int:
        self.create(name, ibis.Schema.from_pyarrow(rows.schema))
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


class _Exact(ClickHouseCompiler):
    """Quantiles of all values, interpolated, and exact counts: ClickHouse's own words for them take a sample
    of 8,192 values, and estimate what is more than 65,536."""

    __slots__ = ()

    SIMPLE_OPS = ClickHouseCompiler.SIMPLE_OPS | {ops.CountDistinct: "uniqExact"}

    def visit_Quantile(self, op: Any, *, arg: Any, quantile: Any, where: Any) -> Any:
        return self._visit_quantile("quantileExactInclusive", arg, quantile, where)

    def visit_MultiQuantile(self, op: Any, *, arg: Any, quantile: Any, where: Any) -> Any:
        return self._visit_quantile("quantilesExactInclusive", arg, quantile, where)


class _ExactBackend(Backend):
    compiler = _Exact()

    def to_pyarrow(self, expr: ir.Expr, /, **_: Any) -> Any:
        """As the original but for truths: what ClickHouse computes as UInt8 would stay numbers."""
        table = expr.as_table()
        schema = table.schema().to_pyarrow()
        rows = _last_part(self.con, _split(self.compiler.to_sqlglot(table)))
        columns = self.con.query(rows).result_columns or [[] for _ in schema]
        arrays = [
            pa.array(
                [None if value is None else bool(value) for value in column]
                if pa.types.is_boolean(kind)
                else column,
                kind,
            )
            for column, kind in zip(columns, schema.types, strict=True)
        ]
        return expr.__pyarrow_result__(pa.Table.from_arrays(arrays, schema=schema))


def _last_part(client: Client, parts: Sequence[tuple[str, str]]) -> str:
    """What remains of a query once its other parts are computed."""
    for name, rows in parts[:-1]:
        client.command(f"CREATE OR REPLACE TEMPORARY TABLE {name} ENGINE = Memory AS {rows}")
    return parts[-1][1]


@cache
def _parts(query: str) -> list[tuple[str, str]]:
    return (
        _split(sqlglot.parse_one(query, dialect="clickhouse")) if query.startswith("WITH") else [("", query)]
    )


def _split(tree: Expression) -> list[tuple[str, str]]:
    """The common table expressions of a query and what remains, in order, each to be computed once.

    ClickHouse plans and computes them again wherever they are named, which adds up where one names another.
    """
    named = [(cte.alias, cte.this.sql("clickhouse")) for cte in tree.ctes]
    tree.set("with_", None)
    return [*named, ("", tree.sql("clickhouse"))]


def _ddl(schema: ibis.Schema) -> str:
    return ", ".join(f'"{name}" {compiler.type_mapper.to_string(kind)}' for name, kind in schema.items())
