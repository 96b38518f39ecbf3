"""The tables of facts, in the order in which they are filled.

Times are nanoseconds since the epoch, in UTC (`_at`); durations are seconds (`_s`). Every table is a function
of the set of the ledger's spans.
"""

import ibis
import ibis.expr.types as ir

from otel_vsm_collector.derive.rules.changes import MOMENTS
from otel_vsm_collector.spans import columns

LEDGER: dict[str, ibis.Schema] = {
    name: ibis.Schema.from_pyarrow(columns.schema(name)) for name in ("span", "span_link", "arrival")
}

_DEPLOYMENT = {
    "id": "string",
    "reported_id": "string",  # as its spans call it: one name may be given to several
    "service": "string",
    "environment": "string",
    "repository": "string",
    "revision": "string",
    "version": "string",
    "artifact": "string",  # its hash, else its package URL
    "kind": "string",
    "result": "string",
    "started_at": "int64",
    "finished_at": "int64",
    "attempt": "int64",  # that counts, the highest of any of its jobs; null where none was told
    "replaced_runs": "int64",  # of its jobs, by later ones that count in their place
    "backfilled": "boolean",
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
    "start_told": "boolean",  # else something later stands in for the start
    "detected_at": "int64",
    "acknowledged_at": "int64",
    "mitigated_at": "int64",
    "resolved_at": "int64",  # null while it is open, also where it was opened again
    "trace_id": "string",
    "teams": "array<string>",
    "value_streams": "array<string>",  # that it names itself
}

FACTS: dict[str, ibis.Schema] = {
    # The names of changes that the spans of a trace carry: the one that a span goes by, each one beside it.
    "alias": ibis.schema(
        {
            "trace_id": "string",
            "identity": "string",
            "node": "string",
            "other": "string",
            "other_node": "string",
            "merged": "boolean",  # as this revision, as it is told of a merge
            "branch": "string",  # that the revision was on
            "base": "string",  # the branch that the request is to be merged into
        }
    ),
    # Which change a name means.
    "identity": ibis.schema(
        {
            "identity": "string",
            "node": "string",
            "component": "string",
            "trace_id": "string",  # the trace that the name stands for
            "change_id": "string",
        }
    ),
    # Whose a trace is, for the spans in it that name no change: of several changes the first by name.
    "trace_owner": ibis.schema({"trace_id": "string", "change_id": "string"}),
    # A run of a stage.
    "stage_run": ibis.schema(
        {
            "run_id": "string",  # the same for each span that tells of the run
            "execution_id": "string",  # of the runs that belong together
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
            "pipeline_run": "string",
            "attempt": "int64",
            "job_run": "string",
            "leg": "string",
            "decides": "boolean",  # the last of its leg in the execution
            "flaky": "boolean",  # it succeeded where its leg had failed before in the execution
            "result": "string",
            "started_at": "int64",
            "ended_at": "int64",
            "busy_until": "int64",  # the latest end of the change's runs that began earlier
            "stage_busy_until": "int64",  # the same of the runs of this stage alone
            "from_team": "string",  # whose the run before was, where that was another team
            "process_s": "float64",
            "queue_s": "float64",
            "wait_s": "float64",  # null before the first run of a change
        }
    ),
    # An execution of a stage for a change: the runs that belong together. It goes by the first of them.
    "stage_execution": ibis.schema(
        {
            "id": "string",
            "trace_id": "string",
            "span_id": "string",
            "change_id": "string",  # null where no change could be found
            "repository": "string",
            "stage_name": "string",
            "stage_type": "string",
            "service": "string",
            "environment": "string",
            "teams": "array<string>",
            "value_streams": "array<string>",
            "revision": "string",  # null where its runs disagree
            "pipeline_run": "string",
            "attempt": "int64",
            "last_attempt": "boolean",  # the change has no later one of the pipeline run
            "result": "string",
            "started_at": "int64",
            "ended_at": "int64",
            "legs": "int64",
            "process_s": "float64",
            "queue_s": "float64",
            "wait_s": "float64",  # null where a change begins with it
            "first_execution": "boolean",  # of this stage for this change
            "rework": "boolean",  # the stage had succeeded for this change before
            "complete_accurate": "boolean",  # on the one that first succeeded, null on the others
            "flaky": "boolean",  # a success after a failure at the same revision, of it or of a leg
        }
    ),
    # A stage that began and of which no run is known.
    # When a change came to a stage, as events tell it: runs tell for themselves.
    "stage_event": ibis.schema({"change_id": "string", "stage_name": "string", "at": "int64"}),
    "unfinished_stage": ibis.schema(
        {
            "change_id": "string",
            "stage_name": "string",
            "stage_type": "string",
            "team": "string",
            "at": "int64",
            "trace_id": "string",
            "span_id": "string",
        }
    ),
    # What happened to work items, span by span.
    "item_event": ibis.schema(
        {
            "trace_id": "string",
            "span_id": "string",
            "work_item_id": "string",
            "event": "string",
            "at": "int64",
        }
    ),
    "change_item": ibis.schema({"change_id": "string", "work_item_id": "string"}),
    # The first time that something happened to a change; work items' events stand for their changes too.
    "change_event": ibis.schema({"change_id": "string", "event": "string", "at": "int64"}),
    # By what a deployment can find a change: a trace, a revision of a repository, an artifact, a name.
    "change_key": ibis.schema({"change_id": "string", "method": "string", "key": "string"}),
    "change": ibis.schema(
        {
            "id": "string",
            "repository": "string",
            "trace_id": "string",
            "aliases": "array<string>",
            "requested": "boolean",  # a pull or merge request is among its names
            "first_seen_at": "int64",
            "first_activity_at": "int64",
            **dict.fromkeys(MOMENTS, "int64"),
            "reverts": "array<string>",
            "services": "array<string>",  # that its runs were for
            "teams": "array<string>",
            "value_streams": "array<string>",
            "current_stage": "string",  # the one it is in, or waits for, or was in last
            "current_stage_at": "int64",  # since when
        }
    ),
    # What a change takes back, by the node of its name.
    "change_revert": ibis.schema({"change_id": "string", "node": "string"}),
    # When a change could not be worked on; its times do not overlap.
    "blocked": ibis.schema(
        {
            "change_id": "string",
            "blocked_at": "int64",
            "unblocked_at": "int64",  # null while it still is
        }
    ),
    # Who waits or waited for an approval, from the request to the answer.
    "approval": ibis.schema(
        {
            "change_id": "string",
            "gate": "string",  # empty where none is named, as is the kind of actor
            "actor_type": "string",
            "requested_at": "int64",
            "answered_at": "int64",
            "granted": "boolean",  # null while there is no answer
            "wait_s": "float64",
            "trace_id": "string",
        }
    ),
    # What the spans of one reported id, service and environment tell; and of which deployment, which is
    # another one where that was told as it happened and this one was backfilled.
    "deployment_telling": ibis.schema(
        {
            "telling_id": "string",
            "deployment_id": "string",
            **{name: kind for name, kind in _DEPLOYMENT.items() if name != "id"},
            "incident_id": "string",  # the incident that it remedies
            "ancestors": "int64",  # on how many traces it stands
            "cut_history": "boolean",  # it may stand on more than its emitter could tell
        }
    ),
    # A deployment as its own spans tell it.
    "deployment_report": ibis.schema(
        {
            **_DEPLOYMENT,
            "backfilled_ids": "array<string>",  # the tellings that it stands for as well
            "incident_id": "string",
            "links": "int64",  # to how many traces
            "ancestors": "int64",  # on how many traces it stands
            "cut_history": "boolean",  # it may stand on more than its emitter could tell
        }
    ),
    # What a deployment says of the changes that it carries.
    "deployment_claim": ibis.schema(
        {"telling_id": "string", "deployment_id": "string", "method": "string", "key": "string"}
    ),
    # The changes that claims and keys have in common, whoever is right.
    "matched_claim": ibis.schema({"deployment_id": "string", "change_id": "string", "method": "string"}),
    "deployment_span": ibis.schema(
        {
            "reported_id": "string",
            "telling_id": "string",
            "deployment_id": "string",
            "trace_id": "string",
            "span_id": "string",
            "replaced": "boolean",  # by a later run of its job
        }
    ),
    # Which one a deployment is among those of its service and environment.
    "deployment_order": ibis.schema(
        {
            "id": "string",
            "service": "string",
            "environment": "string",
            "repository": "string",  # empty where it is not known
            "finished_at": "int64",
            "revision": "string",
            "version": "string",
            "artifact": "string",
            "links": "int64",
            "ancestors": "int64",
            "before": "int64",  # how many successful ones finished earlier
            "number": "int64",  # one more; null where it did not succeed
            "previous_id": "string",
            "before_alike": "int64",  # how many of them were of its repository
            "stood_id": "string",  # the last of these that tells what it stands on
        }
    ),
    # The traces that a deployment stands on, and `stood_id` did not: all of them would be hundreds for each.
    "ancestor_claim": ibis.schema({"deployment_id": "string", "key": "string"}),
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
    "incident_report": ibis.schema(_INCIDENT),
    "incident_trace": ibis.schema({"incident_id": "string", "trace_id": "string"}),
    "incident_service": ibis.schema({"incident_id": "string", "service": "string"}),
    # The deployments that an incident names, and the spans that it links to.
    "incident_name": ibis.schema({"incident_id": "string", "deployment_id": "string"}),
    "incident_link": ibis.schema({"incident_id": "string", "trace_id": "string", "span_id": "string"}),
    # What says that a deployment failed its users, whoever believes it.
    "evidence": ibis.schema(
        {
            "deployment_id": "string",
            "method": "string",
            "source_kind": "string",  # an incident or a deployment says it: `source_id` is which
            "source_id": "string",
            "at": "int64",  # since when
            "resolved_at": "int64",  # when an incident was over; a deployment does not say it
            "severity": "string",  # of an incident
        }
    ),
    "incident": ibis.schema({**_INCIDENT, "deployment_id": "string", "attribution": "string"}),
    "deployment": ibis.schema(
        {
            **_DEPLOYMENT,
            "backfilled_ids": "array<string>",
            "number": "int64",  # which one it is of the successful ones of its service and environment
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
            "merged_at": "int64",
            "first_activity_at": "int64",
            "lead_time_s": "float64",  # null where excluded says why
            "excluded": "string",
            "start_method": "string",  # what the lead time is counted from
            "trace_id": "string",
            "teams": "array<string>",
            "value_streams": "array<string>",
        }
    ),
}

# The ledger's spans in the traces that new spans came in, while a refresh runs: what tells whose they are.
TOUCHED_SPAN = ibis.schema(
    {
        "row_id": "int64",
        **{
            name: LEDGER["span"][name]
            for name in (
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
        },
    }
)

# What facts are derived from: copying the other columns would cost more than deriving.
WORK_SPAN = ibis.schema(
    {
        name: kind
        for name, kind in LEDGER["span"].items()
        if name not in ("seq", "name", "failed", "request", "ref_name", "base_name")
    }
)

TABLES = LEDGER | FACTS | {"touched_span": TOUCHED_SPAN}


def table(name: str) -> ir.Table:
    """An expression that stands for the ledger's or a fact's table of this name."""
    return ibis.table(TABLES[name], name=name)
