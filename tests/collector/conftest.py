"""Facts and OTLP requests made by hand.

Facts are for what reads them (readers of figures, metrics, the web side), requests for what receives.
"""

import functools
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import duckdb
import ibis
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_vsm_collector.derive import tables
from otel_vsm_collector.keep.store import Health

HOUR = 3600 * 10**9


def at(text: str) -> int:
    """Nanoseconds of a time in RFC 3339."""
    return round(datetime.fromisoformat(text).timestamp()) * 10**9


@functools.cache
def _ddl() -> str:
    backend = ibis.duckdb.connect()
    for name, schema in tables.TABLES.items():
        backend.create_table(name, schema=schema)
    made = backend.con.execute("SELECT sql FROM duckdb_tables() WHERE NOT internal").fetchall()
    return "".join(sql for (sql,) in made) + "CREATE TABLE ledger_state AS SELECT 0 AS position, 1 AS version"


class FactStore:
    """Tables of facts in memory, served like the collector's; what a row leaves out has a default."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.lag_s = 0.0
        self.connection.execute(_ddl())

    def cursor(self) -> duckdb.DuckDBPyConnection:
        return self.connection.cursor()

    @property
    def health(self) -> Health:
        return Health(
            received=13,
            rejected=1,
            filtered=2,
            unmapped=4,
            kept=6,
            repeated=3,
            journal_bytes=0,
            lag_s=0.0,
            failure=None,
        )

    async def caught_up(self, timeout_s: float = 5.0) -> float:
        return self.lag_s

    def insert(self, table: str, **values: Any) -> None:
        """A row; lists that are left out are empty, everything else is null."""
        schema = tables.TABLES[table]
        assert set(values) <= set(schema.names), set(values) - set(schema.names)
        row = [values.get(name, [] if kind.is_array() else None) for name, kind in schema.items()]
        marks = ", ".join("?" * len(row))
        self.connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)
        self.connection.execute("UPDATE ledger_state SET position = position + 1")


@pytest.fixture
def facts() -> Iterator[FactStore]:
    store = FactStore()
    yield store
    store.connection.close()


def key_values(attributes: Mapping[str, Any]) -> list[KeyValue]:
    """OTLP's attributes; None stands for a value that is not there."""
    found = []
    for key, value in attributes.items():
        found.append(KeyValue(key=key))
        if value is not None:
            kind = {bool: "bool_value", int: "int_value", float: "double_value", bytes: "bytes_value"}
            setattr(found[-1].value, kind.get(type(value), "string_value"), value)
    return found


class Otlp:
    """Spans and requests; what is left out is as in a sound span of delivery."""

    @staticmethod
    def span(attributes: Mapping[str, Any] | None = None, **fields: Any) -> Span:
        given = {"vsm.stage.name": "build"} if attributes is None else attributes
        sound = {
            "trace_id": os.urandom(16),
            "span_id": os.urandom(8),
            "name": "build",
            "start_time_unix_nano": 1_700_000_000 * 10**9,
            "end_time_unix_nano": 1_700_000_060 * 10**9,
        }
        return Span(**(sound | fields), attributes=key_values(given))

    @staticmethod
    def request(*spans: Span, resource: Mapping[str, Any] | None = None) -> ExportTraceServiceRequest:
        request = ExportTraceServiceRequest()
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.extend(key_values(resource or {}))
        resource_spans.scope_spans.add().spans.extend(spans)
        return request

    def payload(self, *spans: Span, resource: Mapping[str, Any] | None = None) -> bytes:
        return self.request(*spans, resource=resource).SerializeToString()


@pytest.fixture
def otlp() -> Otlp:
    return Otlp()
