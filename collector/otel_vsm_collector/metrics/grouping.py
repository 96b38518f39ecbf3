"""What the observer asks of rows that are new: the expressions, and their SQL."""

from collections.abc import Mapping, Sequence

import ibis
from ibis.expr import types as ir

from otel_vsm import semconv
from otel_vsm.semconv import metrics as registry
from otel_vsm_collector.derive import tables
from otel_vsm_collector.derive.rules import evidence
from otel_vsm_collector.derive.rules.stages import BAD
from otel_vsm_collector.metrics.observed import (
    COLUMN_OF,
    FROM_ZERO,
    OBSERVED,
    ROWS,
    TABLE_OF,
    FromZero,
    Observed,
)

_VALUES: Mapping[str, Mapping[str, Sequence[str]]] = {
    registry.VSM_DEPLOYMENT_COUNT.name: {semconv.CICD_PIPELINE_TASK_RUN_RESULT: BAD},
    registry.VSM_DEPLOYMENT_FAILURE_COUNT.name: {
        semconv.VSM_FAILURE_METHOD: sorted({*evidence.BY_INCIDENTS, *evidence.BY_DEPLOYMENTS})
    },
}
"""What attributes of a counter from zero may be; the others are read from the rows."""


def queries() -> list[str]:
    """The SQL of `OBSERVED`, then of `FROM_ZERO`; to compile it takes longer than to run it."""
    expressions = (*map(grouped, OBSERVED), *map(attribute_sets, FROM_ZERO))
    return [str(ibis.to_sql(expression, dialect="duckdb")) for expression in expressions]


def attribute_sets(what: FromZero) -> ibis.Table:
    """Rows of a fact → one row per attribute set; columns: the metric's attributes in their order."""
    rows = ibis.table(tables.FACTS[TABLE_OF[what.fact]], name=ROWS)
    known = _VALUES[what.metric.name]
    keys = [key for key in what.metric.attributes if key not in known]
    sets = rows.select(**{key: rows[COLUMN_OF[key]] for key in keys}).distinct()
    for key, values in known.items():
        sets = sets.mutate(**{key: ibis.array([str(value) for value in values]).unnest()})
    return sets.select(*what.metric.attributes)


def grouped(what: Observed) -> ibis.Table:
    """Rows of a fact → one row per attribute set and bucket.

    Columns: the metric's attributes in their order, then `bucket` (the index of the first bound that is not
    below the value, as OpenTelemetry counts; 0 on a counter), `rows`, and on a histogram `total`, `least`,
    `greatest` (s) and, where it has examples, `example` {owner, trace_id, at, seconds}.
    """
    rows = ibis.table(tables.FACTS[TABLE_OF[what.fact]], name=ROWS)
    if what.counts is not None:
        rows = rows.filter(what.counts(rows))
    keys = {key: rows[COLUMN_OF[key]] for key in what.metric.attributes}
    if what.seconds is None:
        return (
            rows.group_by(bucket=ibis.literal(0), **keys)
            .agg(rows=rows.count())
            .select(*keys, "bucket", "rows")
        )
    rows = rows.mutate(seconds=what.seconds(rows))
    rows = rows.filter(rows.seconds >= 0)
    keys = {key: rows[COLUMN_OF[key]] for key in what.metric.attributes}
    bucket = ibis.cases(
        *((rows.seconds <= bound, bucket) for bucket, bound in enumerate(what.bounds)), else_=len(what.bounds)
    )
    measures: dict[str, ir.Value] = {
        "rows": rows.count(),
        "total": rows.seconds.sum(),
        "least": rows.seconds.min(),
        "greatest": rows.seconds.max(),
    }
    if what.example is not None:
        latest = ibis.struct(
            {
                "owner": rows[what.example.owner],
                "trace_id": rows.trace_id,
                "at": rows[what.example.at],
                "seconds": rows.seconds,
            }
        )
        measures["example"] = latest.argmax(rows[what.example.at])
    groups = rows.group_by(bucket=bucket.cast("int64"), **keys).agg(**measures)
    return groups.select(*keys, "bucket", *measures)
