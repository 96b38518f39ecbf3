"""ClickHouse for Ibis: exact where its own words are not, with truths that are no numbers."""

from typing import Any

import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.clickhouse import Backend
from ibis.backends.sql.compilers.clickhouse import ClickHouseCompiler

from otel_vsm_collector.stores.clickhouse.common_parts import last_part, parts_of


class _Exact(ClickHouseCompiler):  # type: ignore[misc]  # Ibis ships no types
    """Quantiles of all values, interpolated, and exact counts: ClickHouse's own words for them take a sample
    of 8,192 values, and estimate what is more than 65,536."""

    __slots__ = ()

    SIMPLE_OPS = ClickHouseCompiler.SIMPLE_OPS | {ops.CountDistinct: "uniqExact"}

    def visit_Quantile(self, op: Any, *, arg: Any, quantile: Any, where: Any) -> Any:
        return self._visit_quantile("quantileExactInclusive", arg, quantile, where)

    def visit_MultiQuantile(self, op: Any, *, arg: Any, quantile: Any, where: Any) -> Any:
        return self._visit_quantile("quantilesExactInclusive", arg, quantile, where)


class ExactBackend(Backend):  # type: ignore[misc]  # Ibis ships no types
    compiler = _Exact()

    def to_pyarrow(self, expr: ir.Expr, /, **_: Any) -> Any:
        """As the original but for truths: what ClickHouse computes as UInt8 would stay numbers."""
        table = expr.as_table()
        schema = table.schema().to_pyarrow()
        rows = last_part(self.con, parts_of(self.compiler.to_sqlglot(table)))
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
