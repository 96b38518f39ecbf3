"""The ledger's tables: what is known of a span, one column per thing that deriving reads.

`span` and `span_link` take what comes, a span twice where a sender repeats it; deriving takes repetitions of
a span out again. `arrival` says when they came. `ledger_state` holds one row: how far which
journal has been applied. Ids are lower-case hexadecimal, times are nanoseconds since the epoch, in UTC.
"""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: pa.DataType


_EVERY_SPAN = (
    Column("seq", pa.int64()),  # the row of the journal that it came with
    Column("trace_id", pa.string()),
    Column("span_id", pa.string()),
    Column("parent_span_id", pa.string()),  # null on a root
    Column("name", pa.string()),
    Column("started_at", pa.int64()),
    Column("ended_at", pa.int64()),  # never before started_at
    Column("failed", pa.bool_()),  # the status is an error
    # It ends long after it arrived; null until that is known, and where it does not.
    Column("future", pa.bool_()),
    Column("impossible", pa.bool_()),  # its times cannot be; null where they can
)

MAPPED = (
    # Falls back to <repository>#<request>, then <repository>@<revision>; null on the events of incidents.
    Column("change_id", pa.string()),  # normalised, as the repository
    Column("repository", pa.string()),
    Column("request", pa.string()),
    Column("revision", pa.string()),
    Column("ref_name", pa.string()),
    Column("base_name", pa.string()),  # the branch that the request is to be merged into
    Column("stage_name", pa.string()),
    Column("stage_type", pa.string()),
    Column("queue_s", pa.float64()),
    # Lower case; on a stage without one it follows from the status: failure or success.
    Column("result", pa.string()),
    Column("team", pa.string()),
    Column("actor_type", pa.string()),
    Column("value_stream", pa.string()),
    Column("service", pa.string()),
    Column("version", pa.string()),
    Column("environment", pa.string()),
    Column("deployment_id", pa.string()),
    Column("deployment_kind", pa.string()),
    Column("previous_revision", pa.string()),
    Column("artifact_purl", pa.string()),  # without qualifiers and subpath
    Column("artifact_hash", pa.string()),  # also the one that the package URL has in it
    Column("event_name", pa.string()),
    Column("work_item_id", pa.string()),
    Column("incident_id", pa.string()),
    Column("severity", pa.string()),
    Column("gate", pa.string()),
    Column("reverts", pa.string()),
    Column("pipeline_run", pa.string()),
    Column("job", pa.string()),  # its name in the pipeline
    Column("job_run", pa.string()),
    Column("attempt", pa.int64()),  # of the pipeline's run, from 1
    Column("leg", pa.string()),
    Column("backfilled", pa.bool_()),
    Column("gap", pa.string()),  # what its emitter says that could not be told
    Column("retracts", pa.string()),  # the span of this trace that it takes back
)
"""What mappings fill; null where an emitter does not say it."""

SPAN = (*_EVERY_SPAN, *MAPPED)

IDENTIFYING = (
    "trace_id",
    "span_id",
    "change_id",
    "repository",
    "request",
    "revision",
    "ref_name",
    "base_name",
    "stage_name",
    "stage_type",
    "environment",
    "deployment_id",
    "event_name",
    "work_item_id",
    "incident_id",
    "future",
    "impossible",
    "retracts",
)
"""What tells whose a span is."""

SPAN_LINK = (
    Column("seq", pa.int64()),
    Column("trace_id", pa.string()),
    Column("span_id", pa.string()),
    Column("linked_trace_id", pa.string()),
    Column("linked_span_id", pa.string()),
    Column("kind", pa.string()),  # null on an ordinary link
)

ARRIVAL = (
    Column("seq", pa.int64()),
    Column("received_at", pa.int64()),  # when that row of the journal was kept
)

LEDGER_STATE = (
    Column("position", pa.int64()),  # seq of the last row of the journal that was applied; 0 before any
    Column("journal", pa.string()),  # identity of the journal that it was made from
    Column("fingerprint", pa.string()),  # of the rules and definitions that the facts follow
)

TABLES = {"span": SPAN, "span_link": SPAN_LINK, "arrival": ARRIVAL, "ledger_state": LEDGER_STATE}

_SQL_TYPES = {pa.int64(): "BIGINT", pa.string(): "VARCHAR", pa.float64(): "DOUBLE", pa.bool_(): "BOOLEAN"}


def schema(table: str) -> pa.Schema:
    """The Arrow schema of a table of the ledger."""
    return pa.schema([(column.name, column.type) for column in TABLES[table]])


def ddl(table: str) -> str:
    """The statement that makes a table of the ledger in DuckDB."""
    columns = ", ".join(f"{column.name} {_SQL_TYPES[column.type]}" for column in TABLES[table])
    return f"CREATE TABLE {table} ({columns})"
