"""The sums of counters and histograms over facts, kept in memory and added to with every refresh."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from duckdb import DuckDBPyConnection
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics import export as sdk

from otel_vsm_collector.metrics import points
from otel_vsm_collector.metrics.observed import (
    FACTS,
    FROM_ZERO,
    OBSERVED,
    ROWS,
    TABLE_OF,
    Example,
    FromZero,
    Observed,
)

_AttributeValues = tuple[str | None, ...]


@dataclass(slots=True)
class _Sums:
    buckets: list[int]
    total: float = 0.0
    least: float = float("inf")
    greatest: float = float("-inf")
    examples: dict[int, dict[str, Any]] = field(default_factory=dict)
    """The latest of each bucket: {owner, trace_id, at, seconds}."""


class Observer:
    """Counts facts as they become known; the grouping is the database's work, never a loop over rows.

    What `observe` has read counts only after `commit`: it is called inside the transaction that makes the
    facts, and a transaction that fails is tried again.
    """

    def __init__(self, queries: Sequence[str]) -> None:
        """`queries` are those of `grouping`."""
        self._lock = threading.Lock()
        self._start_ns: int
        self._pending: list[tuple[Observed | FromZero, list[tuple[Any, ...]]]]
        self._sums: dict[str, dict[_AttributeValues, _Sums]]
        self._overflow: dict[str, _Sums]
        self.restart()
        every: tuple[Observed | FromZero, ...] = (*OBSERVED, *FROM_ZERO)
        self._sql = tuple(zip(every, queries, strict=True))

    def observe(self, connection: DuckDBPyConnection, fact: str, new_rows: str) -> None:
        """Reads the rows of the table `new_rows`, which have the columns of the fact's table.

        Raises ValueError where `fact` is none of `observed.FACTS`.
        """
        if fact not in FACTS:
            raise ValueError(f"no metric counts {fact!r}; known are {', '.join(FACTS)}")
        table = '"' + new_rows.replace('"', '""') + '"'
        for what, query in self._sql:
            if what.fact == fact:
                sql = query.replace(f'"{ROWS}"', table)
                self._pending.append((what, connection.execute(sql).fetchall()))

    def observe_everything(self, connection: DuckDBPyConnection) -> None:
        """Reads whole tables of facts: what there is when the collector starts."""
        for fact in FACTS:
            self.observe(connection, fact, TABLE_OF[fact])

    def restart(self) -> None:
        """Forgets everything that was counted: what comes is counted under a new start time."""
        with self._lock:
            self._pending = []
            self._start_ns = time.time_ns()
            self._sums = {what.metric.name: {} for what in OBSERVED}
            self._overflow = {}

    def commit(self) -> None:
        """Counts what has been read since the last `commit` or `rollback`."""
        pending, self._pending = self._pending, []
        with self._lock:
            for what, groups in pending:
                for group in groups:
                    if isinstance(what, Observed):
                        self._add(what, group)
                    else:
                        self._begin(what, group)

    def rollback(self) -> None:
        """Forgets what has been read since the last `commit` or `rollback`."""
        self._pending = []

    def collect(self, now_ns: int) -> list[sdk.Metric]:
        """The metrics as counted so far, those without a point left out."""
        with self._lock:
            return [metric for what in OBSERVED if (metric := self._metric(what, now_ns)).data.data_points]

    def _add(self, what: Observed, group: tuple[Any, ...]) -> None:
        width = len(what.metric.attributes)
        attributes, bucket, rows = group[:width], group[width], group[width + 1]
        sums = self._sums_of(what, attributes)
        sums.buckets[bucket] += rows
        if what.seconds is not None:
            total, least, greatest = group[width + 2 : width + 5]
            sums.total += total
            sums.least = min(sums.least, least)
            sums.greatest = max(sums.greatest, greatest)
        if what.example is not None:
            example = group[width + 5]
            if bucket not in sums.examples or sums.examples[bucket]["at"] <= example["at"]:
                sums.examples[bucket] = example

    def _begin(self, what: FromZero, attributes: _AttributeValues) -> None:
        """The counter's point of these attributes is there, as long as there is room: what is counted goes
        before what may be."""
        known = self._sums[what.metric.name]
        if len(known) < points.MAX_ATTRIBUTE_SETS:
            known.setdefault(attributes, _Sums(buckets=[0]))

    def _sums_of(self, what: Observed, attributes: _AttributeValues) -> _Sums:
        known = self._sums[what.metric.name]
        if attributes in known:
            return known[attributes]
        empty = _Sums(buckets=[0] * (len(what.bounds) + 1))
        if len(known) < points.MAX_ATTRIBUTE_SETS:
            return known.setdefault(attributes, empty)
        return self._overflow.setdefault(what.metric.name, empty)

    def _metric(self, what: Observed, now_ns: int) -> sdk.Metric:
        name = what.metric.name
        series: list[tuple[points.Attributes, _Sums]] = [
            (points.attributes(dict(zip(what.metric.attributes, values, strict=True))), sums)
            for values, sums in self._sums[name].items()
        ]
        if name in self._overflow:
            series.append((points.OVERFLOW, self._overflow[name]))
        if what.seconds is None:
            values = ((attributes, sums.buckets[0]) for attributes, sums in series)
            return points.counter(what.metric, values, self._start_ns, now_ns)
        return points.histogram(
            what.metric,
            [self._histogram_point(what, attributes, sums, now_ns) for attributes, sums in series],
        )

    def _histogram_point(
        self, what: Observed, attributes: points.Attributes, sums: _Sums, now_ns: int
    ) -> sdk.HistogramDataPoint:
        return sdk.HistogramDataPoint(
            attributes=attributes,
            start_time_unix_nano=self._start_ns,
            time_unix_nano=now_ns,
            count=sum(sums.buckets),
            sum=sums.total,
            bucket_counts=tuple(sums.buckets),
            explicit_bounds=what.bounds,
            min=sums.least,
            max=sums.greatest,
            exemplars=[_exemplar(what.example, sums.examples[bucket]) for bucket in sorted(sums.examples)]
            if what.example
            else [],
        )


def _exemplar(example: Example, row: dict[str, Any]) -> Exemplar:
    """An exemplar of the owner's trace; its root span where the trace is the one that the id stands for."""
    root = example.root(row["owner"])
    span_id = int(root.span_id, 16) if root.trace_id == row["trace_id"] else 0
    return Exemplar({}, row["seconds"], row["at"], span_id, int(row["trace_id"], 16))
