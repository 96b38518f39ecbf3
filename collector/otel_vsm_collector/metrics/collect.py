"""Everything that the collector measures, in one answer."""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

from duckdb import DuckDBPyConnection
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics import export as sdk
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_vsm import __version__, semconv
from otel_vsm_collector.metrics import export
from otel_vsm_collector.metrics.health import Health
from otel_vsm_collector.metrics.observer import Observer
from otel_vsm_collector.settings import Address

if TYPE_CHECKING:
    from otel_vsm_collector.facts.tables import FactTables

SERVICE_NAME = "otel-vsm-collector"
SCOPE = InstrumentationScope("otel_vsm_collector", __version__, semconv.SCHEMA_URL)
FRESH_FOR_NS = 15 * 10**9
"""How long windowed figures are shown again while no fact has changed: a window moves on by itself."""

Reading = Callable[[], AbstractContextManager[DuckDBPyConnection]]
"""Opens a connection to the facts."""


class Metrics:
    """The collector's health, the counters over facts, and the figures as they are now.

    `health` and `observer` are for the parts that receive and derive; `watch` tells where facts are read.
    Metrics are never sent to `own`, where the collector itself receives. `queries` are the observer's.
    """

    def __init__(self, queries: Sequence[str], own: Collection[Address] = ()) -> None:
        self._start_ns = time.time_ns()
        self._reader = InMemoryMetricReader()
        resource = Resource.create({semconv.SERVICE_NAME: SERVICE_NAME, semconv.SERVICE_VERSION: __version__})
        self._provider = MeterProvider(
            [self._reader, *export.readers(self.with_facts, own)], resource, shutdown_on_exit=False
        )
        self.health = Health(self._provider.get_meter(SCOPE.name, SCOPE.version, SCOPE.schema_url))
        self.observer = Observer(queries)
        self._facts: _Facts | None = None

    def watch(self, cursor: Reading, facts: "Callable[[], FactTables]") -> None:
        """From now on, also show what the facts behind `cursor` say, by the definitions that hold then."""
        self._facts = _Facts(cursor, facts, self._start_ns)

    def collect(self) -> MetricsData:
        """Every metric as it is now; it asks the database, so call it where waiting is allowed."""
        return self.with_facts(self._reader.get_metrics_data() or MetricsData([]))

    def with_facts(self, own: MetricsData) -> MetricsData:
        """`own`, what the SDK has collected, with the metrics over facts."""
        now_ns = time.time_ns()
        metrics = self.observer.collect(now_ns)
        if self._facts is not None:
            metrics += self._facts.current(now_ns)
        if not own.resource_metrics:
            resource = self._provider._sdk_config.resource
            facts = ScopeMetrics(SCOPE, metrics, semconv.SCHEMA_URL)
            return MetricsData([ResourceMetrics(resource, [facts], resource.schema_url)])
        first, *others = own.resource_metrics
        # In one scope with the collector's health: of two with one name, OTLP's encoder drops the first.
        scope_metrics = [
            replace(scope, metrics=[*scope.metrics, *metrics]) if scope.scope.name == SCOPE.name else scope
            for scope in first.scope_metrics
        ]
        return MetricsData([replace(first, scope_metrics=scope_metrics), *others])

    def close(self, timeout_s: float = 2.0) -> None:
        """Sends what there is a last time, if it can be sent within the time."""
        self._provider.shutdown(timeout_s * 1000)


class _Facts:
    """The figures of now, computed again when a fact has changed or time has passed."""

    def __init__(self, cursor: Reading, facts: "Callable[[], FactTables]", start_ns: int) -> None:
        self._cursor = cursor
        self._facts = facts
        self._start_ns = start_ns
        self._lock = threading.Lock()
        self._state: object = None
        self._computed_ns = 0
        self._metrics: list[sdk.Metric] = []

    def current(self, now_ns: int) -> list[sdk.Metric]:
        # Figures take long to import, and nobody may ask.
        from otel_vsm_collector.facts.reader import DuckDBReader
        from otel_vsm_collector.metrics import gauges

        with self._lock, self._cursor() as connection:
            connection.begin()
            facts = self._facts()
            state = (facts, connection.execute("SELECT position FROM ledger_state").fetchone())
            if state != self._state or now_ns - self._computed_ns > FRESH_FOR_NS:
                self._metrics = gauges.current(DuckDBReader(connection, facts), self._start_ns, now_ns)
                self._state, self._computed_ns = state, now_ns
            return self._metrics
