"""The tables of facts, in the order in which they are filled.

Times are nanoseconds since the epoch, in UTC (`_at`); durations are seconds (`_s`). Every table is a function
of the set of the ledger's spans.
"""

import ibis
import ibis.expr.types as ir
from ibis.backends.sql.compilers.duckdb import compiler

from otel_vsm_collector.keep import columns

LEDGER: dict[str, ibis.Schema] = {
    name: ibis.Schema.from_pyarrow(columns.schema(name)) for name in ("span", "span_link")
}

_DEPLOYMENT = {
    "id": "string",
    "service": "string",
    "environment": "string",
    "repository": "string",
    "revision": "string",
    "version": "string",
    "kind": "string",
    "result": "string",
    "started_at": "int64",
    "finished_at": "int64",
    "trace_id": "string",
    "span_id": "string",
    "teams": "array<string>",
    "value_streams": "array<string>",
}
_INCIDENT = {
    "id": "string",
    "service": "string",
    "environment": "string",
    "severity": "string",
    "started_at": "int64",
    "detected_at": "int64",
    "acknowledged_at": "int64",
    "mitigated_at": "int64",
    "resolved_at": "int64",
    "trace_id": "string",
    "teams": "array<string>",
}

FACTS: dict[str, ibis.Schema] = {
    # Whose a trace is, for the spans in it that name no change: of several changes the first by name.
    "trace_owner": ibis.schema({"trace_id": "string", "change_id": "string"}),
    # A run of a stage.
    "stage_run": ibis.schema(
        {
            "trace_id": "string",
            "span_id": "string",
            "change_id": "string",  # null where no change could be found
            "repository": "string",
            "stage_name": "string",
            "stage_type": "string",
            "service": "string",
            "environment": "string",
            "team": "string",
            "actor_type": "string",
            "value_stream": "string",
            "revision": "string",
            "result": "string",
            "started_at": "int64",
            "ended_at": "int64",
            "process_s": "float64",
            "queue_s": "float64",
            "wait_s": "float64",  # null before the first run of a change
            "first_run": "boolean",  # of this stage for this change
            "rework": "boolean",  # the stage had succeeded for this change before
            "complete_accurate": "boolean",  # on the run that first succeeded, null on the others
        }
    ),
    # The first time that something happened to a change; work items' events stand for their changes too.
    "change_event": ibis.schema({"change_id": "string", "event": "string", "at": "int64"}),
    # By what a deployment can find a change: a trace, a revision of a repository, an artifact.
    "change_key": ibis.schema({"change_id": "string", "method": "string", "key": "string"}),
    "change": ibis.schema(
        {
            "id": "string",
            "repository": "string",
            "trace_id": "string",
            "aliases": "array<string>",
            "started_at": "int64",
            "start_method": "string",  # the event that the start was taken from, or `span`
            "abandoned_at": "int64",
            "first_seen_at": "int64",
            "teams": "array<string>",
            "value_streams": "array<string>",
            "current_stage": "string",  # the one it is in or was in last
        }
    ),
    # Who waited for an approval, from the request to the answer.
    "approval": ibis.schema(
        {
            "change_id": "string",
            "gate": "string",
            "actor_type": "string",
            "requested_at": "int64",
            "answered_at": "int64",
            "granted": "boolean",
            "wait_s": "float64",
            "trace_id": "string",
        }
    ),
    # A deployment as its own spans tell it.
    "rollout": ibis.schema(
        {
            **_DEPLOYMENT,
            "incident_id": "string",  # the incident that it remedies
        }
    ),
    # What a deployment says of the changes that it carries.
    "rollout_claim": ibis.schema(
        {"deployment_id": "string", "method": "string", "key": "string", "own": "boolean"}
    ),
    "rollout_span": ibis.schema({"deployment_id": "string", "trace_id": "string", "span_id": "string"}),
    # Where a deployment stands among those of its service and environment.
    "place": ibis.schema(
        {
            "id": "string",
            "service": "string",
            "environment": "string",
            "finished_at": "int64",
            "revision": "string",
            "version": "string",
            "before": "int64",  # how many successful ones finished earlier
            "number": "int64",  # one more; null where it did not succeed
            "previous_id": "string",
        }
    ),
    # A successful rollback or hotfix, and the deployment that it mends.
    "remedy": ibis.schema(
        {
            "id": "string",
            "service": "string",
            "environment": "string",
            "number": "int64",
            "method": "string",
            "started_at": "int64",
            "finished_at": "int64",
            "mended_id": "string",
        }
    ),
    "deployment_change": ibis.schema({"deployment_id": "string", "change_id": "string", "method": "string"}),
    # An incident as its own spans tell it.
    "incident_report": ibis.schema({**_INCIDENT, "named_deployment_id": "string"}),
    "incident_link": ibis.schema({"incident_id": "string", "trace_id": "string", "span_id": "string"}),
    "incident": ibis.schema({**_INCIDENT, "deployment_id": "string", "attribution": "string"}),
    "deployment": ibis.schema(
        {
            **_DEPLOYMENT,
            "number": "int64",  # its place among the successful ones of its service and environment
            "previous_id": "string",
            "change_mapping": "string",
            "failed": "boolean",
            "failure_method": "string",
            "failure_incident_id": "string",
            "failure_at": "int64",
            "recovered_at": "int64",
            "recovery_method": "string",
            "recovery_deployment_id": "string",
            "rework": "boolean",
        }
    ),
    # The first successful deployment of a change, by service and environment.
    "delivery": ibis.schema(
        {
            "change_id": "string",
            "repository": "string",
            "service": "string",
            "environment": "string",
            "deployment_id": "string",
            "deploy_started_at": "int64",
            "delivered_at": "int64",
            "lead_time_s": "float64",  # null where excluded says why
            "excluded": "string",
            "trace_id": "string",
            "teams": "array<string>",
            "value_streams": "array<string>",
        }
    ),
}

# The ledger's spans in the traces that new spans came in, while a refresh runs: what tells whose they are.
NEAR_SPAN = ibis.schema(
    {
        "place": "int64",
        **{
            name: LEDGER["span"][name]
            for name in (
                "trace_id",
                "span_id",
                "change_id",
                "stage_type",
                "environment",
                "deployment_id",
                "event_name",
                "work_item_id",
                "incident_id",
            )
        },
    }
)

# What work on a change is derived from: copying the other columns would cost more than deriving.
WORK_COLUMNS = (
    "trace_id",
    "span_id",
    "started_at",
    "ended_at",
    "change_id",
    "repository",
    "revision",
    "stage_name",
    "stage_type",
    "queue_s",
    "result",
    "team",
    "actor_type",
    "value_stream",
    "service",
    "environment",
    "artifact_purl",
    "artifact_hash",
    "event_name",
    "work_item_id",
    "gate",
)

TABLES = LEDGER | FACTS | {"near_span": NEAR_SPAN}


def ddl(schema: ibis.Schema) -> str:
    """The columns of a table in DuckDB's words."""
    return ", ".join(f'"{name}" {compiler.type_mapper.to_string(kind)}' for name, kind in schema.items())


def table(name: str) -> ir.Table:
    """An expression that stands for the ledger's or a fact's table of this name."""
    return ibis.table(TABLES[name], name=name)
