"""The queries of the metrics' observer, compiled once for all tests of a process."""

from otel_vsm_collector.metrics.grouping import queries

QUERIES = queries()
