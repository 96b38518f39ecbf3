"""Repeated spans: of several tellings of one span, one stays in the ledger."""

from duckdb import DuckDBPyConnection

from otel_vsm_collector.derive.tables import NEAR_SPAN
from otel_vsm_collector.keep import columns

# The earliest start, then the latest end, then column by column whatever sorts first: which telling stays
# follows from what they say, not from when they came.
_FIRST = ("started_at", "ended_at")
_RULE = ", ".join(
    ("started_at", "ended_at DESC", *(c.name for c in columns.SPAN if c.name not in (*_FIRST, "seq")), "seq")
)


def load_near_spans(connection: DuckDBPyConnection, first_seq: int, last_seq: int) -> None:
    """Fills the scratch table `near_span`: every span in a trace that the ledger's rows of this range are in.

    A repeated span is in the trace of its first telling, and a trace mostly is one change.
    """
    named = ", ".join(f"span.{name}" for name in NEAR_SPAN if name != "place")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE near_span AS SELECT span.rowid AS place, {named} FROM span"
        " SEMI JOIN (SELECT trace_id FROM span WHERE seq BETWEEN ? AND ?) USING (trace_id)",
        [first_seq, last_seq],
    )


def drop_repeated_spans(connection: DuckDBPyConnection) -> int:
    """Takes repetitions out of `near_span` and the ledger; answers how many went."""
    twice = "SELECT trace_id, span_id FROM near_span GROUP BY ALL HAVING count(*) > 1"
    row = connection.execute(f"CREATE OR REPLACE TEMP TABLE repeated AS {twice}").fetchone()
    if not row or not row[0]:
        return 0
    telling = f"row_number() OVER (PARTITION BY trace_id, span_id ORDER BY {_RULE})"
    several = "span SEMI JOIN repeated USING (trace_id, span_id)"
    told = f"SELECT span.rowid AS place, {telling} AS telling FROM {several}"
    later = f"SELECT place FROM ({told}) WHERE telling > 1"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE repeated AS {later}")
    connection.execute("DELETE FROM near_span WHERE place IN (FROM repeated)")
    row = connection.execute("DELETE FROM span WHERE rowid IN (FROM repeated)").fetchone()
    return int(row[0]) if row else 0
