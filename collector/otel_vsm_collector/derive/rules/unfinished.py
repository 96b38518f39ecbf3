"""Stages that began and of which no run is known: they go on, or whoever ran them could not tell the end."""

import ibis.expr.types as ir

from otel_vsm.semconv import EventName


def stage_events(spans: ir.Table) -> ir.Table:
    """The table `stage_event` from the spans of whole changes."""
    told = spans.filter(spans.stage_name.notnull(), spans.event_name.notnull())
    return told.select("change_id", "stage_name", at="started_at").distinct()


def begun_stages(spans: ir.Table) -> ir.Table:
    """The table `begun_stage` from the spans of whole changes.

    The run that a start belongs to is its parent, or else one of the same stage that went on at that moment
    and that no start has for its parent.
    """
    told = spans.filter(spans.event_name == EventName.STAGE_STARTED, spans.stage_name.notnull())
    runs = spans.filter(spans.stage_name.notnull(), spans.event_name.isnull())
    runs = runs.select("trace_id", "change_id", "stage_name", "started_at", "ended_at", run_id="span_id")
    named = told.select("trace_id", run_id="parent_span_id")
    alone = told.anti_join(runs, [told.trace_id == runs.trace_id, told.parent_span_id == runs.run_id])
    alone = alone.select(
        "change_id", "stage_name", "stage_type", "team", "trace_id", "span_id", at="started_at"
    )
    others = runs.anti_join(named, ["trace_id", "run_id"])
    around = alone.join(others, ["change_id", "stage_name"])
    around = around.filter(around["at"].between(around.started_at, around.ended_at))
    return alone.anti_join(around.select("trace_id", "span_id").distinct(), ["trace_id", "span_id"])
