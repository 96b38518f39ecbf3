"""Repeated spans: of several tellings of one span, one stays in the ledger."""

from otel_vsm_collector.spans import columns
from otel_vsm_collector.stores.engine import Engine, Within

# What is possible, then the earliest start, then the latest end, then column by column whatever sorts first:
# which telling stays follows from what they say, not from when they came. What lay in the future when it was
# told first does not become present by being told again.
_FIRST = ("impossible", "started_at", "ended_at", "future")
_RULE = ", ".join(
    (
        "impossible NULLS FIRST",
        "started_at",
        "ended_at DESC",
        "future NULLS LAST",
        *(c.name for c in columns.SPAN if c.name not in (*_FIRST, "seq")),
        "seq",
    )
)

DROPPED = "dropped_span"
"""The scratch table of what was in `touched_span` and went."""


def load_touched_spans(engine: Engine, first_seq: int, last_seq: int) -> None:
    """Fills the scratch table `touched_span`: every span in a trace that the ledger's rows of this range are
    in.

    A repeated span is in the trace of its first telling, and a trace mostly is one change.
    """
    new = f"SELECT DISTINCT trace_id FROM span WHERE seq BETWEEN {first_seq} AND {last_seq}"
    engine.fill("new_trace", new)
    traces = Within(("trace_id",), "new_trace", ("trace_id",))
    engine.pick("touched_span", f"rowid AS row_id, {', '.join(columns.IDENTIFYING)}", "span", traces)


def drop_repeated_spans(engine: Engine) -> int:
    """Takes repetitions out of `touched_span` and the ledger; answers how many went, to the table
    `DROPPED`."""
    twice = "SELECT trace_id, span_id FROM touched_span GROUP BY trace_id, span_id HAVING count(*) > 1"
    if not engine.fill("repeated", twice):
        return 0
    rank = f"row_number() OVER (PARTITION BY trace_id, span_id ORDER BY {_RULE})"
    several = Within(("trace_id", "span_id"), "repeated", ("trace_id", "span_id"))
    engine.pick("telling", "rowid AS row_id, *", "span", several)
    ranked = f"SELECT row_id, {rank} AS rank FROM telling"
    dropped = engine.fill("repeated", f"SELECT row_id FROM ({ranked}) WHERE rank > 1")
    gone = "row_id IN (SELECT row_id FROM repeated)"
    engine.fill(DROPPED, f"SELECT * FROM touched_span WHERE {gone}")
    engine.delete("touched_span", gone)
    engine.delete("span", "rowid IN (SELECT row_id FROM repeated)")
    return dropped
