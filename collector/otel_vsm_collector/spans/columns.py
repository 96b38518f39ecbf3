"""The ledger's tables: what is known of a span, one column per thing that deriving reads.

`span` and `span_link` take what comes, a span twice where a sender repeats it; deriving takes repetitions of
a span out again. `arrival` says when they came. `ledger_state` holds one row: how far which
journal has been applied. Ids are lower-case hexadecimal, times are nanoseconds since the epoch, in UTC.
"""

from dataclasses import dataclass

import pyarrow as pa

from otel_vsm import semconv


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: pa.DataType
    attribute: str | None = None
    """The attribute that fills it, on the span or else on its resource; null where neither has it."""


SPAN = (
    Column("seq", pa.int64()),  # the row of the journal that it came with
    Column("trace_id", pa.string()),
    Column("span_id", pa.string()),
    Column("parent_span_id", pa.string()),  # null on a root
    Column("name", pa.string()),
    Column("started_at", pa.int64()),
    Column("ended_at", pa.int64()),  # never before started_at
    Column("failed", pa.bool_()),  # the status is an error
    # Falls back to <repository>#<request>, then <repository>@<revision>; null on the events of incidents.
    Column("change_id", pa.string(), semconv.VSM_CHANGE_ID),
    Column("repository", pa.string(), semconv.VCS_REPOSITORY_URL_FULL),  # normalised
    Column("request", pa.string(), semconv.VCS_CHANGE_ID),
    Column("revision", pa.string(), semconv.VCS_REF_HEAD_REVISION),
    Column("ref_name", pa.string(), semconv.VCS_REF_HEAD_NAME),
    Column("stage_name", pa.string(), semconv.VSM_STAGE_NAME),
    Column("stage_type", pa.string(), semconv.VSM_STAGE_TYPE),
    Column("queue_s", pa.float64(), semconv.VSM_STAGE_QUEUE_DURATION),
    # Lower case; on a stage without one it follows from the status: failure or success.
    Column("result", pa.string(), semconv.CICD_PIPELINE_TASK_RUN_RESULT),
    Column("team", pa.string(), semconv.VSM_TEAM),
    Column("actor_type", pa.string(), semconv.VSM_ACTOR_TYPE),
    Column("value_stream", pa.string(), semconv.VSM_VALUE_STREAM),
    Column("service", pa.string(), semconv.SERVICE_NAME),
    Column("version", pa.string(), semconv.SERVICE_VERSION),
    Column("environment", pa.string(), semconv.DEPLOYMENT_ENVIRONMENT_NAME),
    Column("deployment_id", pa.string(), semconv.DEPLOYMENT_ID),
    Column("deployment_kind", pa.string(), semconv.VSM_DEPLOYMENT_KIND),
    Column("previous_revision", pa.string(), semconv.VSM_DEPLOYMENT_PREVIOUS_REVISION),
    Column("artifact_purl", pa.string(), semconv.ARTIFACT_PURL),
    Column("artifact_hash", pa.string(), semconv.ARTIFACT_HASH),
    Column("event_name", pa.string(), semconv.VSM_EVENT_NAME),
    Column("work_item_id", pa.string(), semconv.VSM_WORK_ITEM_ID),
    Column("incident_id", pa.string(), semconv.VSM_INCIDENT_ID),
    Column("severity", pa.string(), semconv.VSM_INCIDENT_SEVERITY),
    Column("gate", pa.string(), semconv.VSM_APPROVAL_GATE),
    Column("reverts", pa.string(), semconv.VSM_CHANGE_REVERTS),
)

SPAN_LINK = (
    Column("seq", pa.int64()),
    Column("trace_id", pa.string()),
    Column("span_id", pa.string()),
    Column("linked_trace_id", pa.string()),
    Column("linked_span_id", pa.string()),
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
