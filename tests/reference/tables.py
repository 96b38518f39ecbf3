"""The same facts as the ledger keeps them, row by row, as the scenario files look into them."""

from typing import Any

from reference.changes import Change
from reference.deliveries import first_deliveries
from reference.deployments import Deployment, best_method
from reference.incidents import Incident
from reference.runs import Run
from reference.story import Story

Table = dict[Any, dict[str, Any]]


def change_row(change: Change) -> dict[str, Any]:
    return {
        "repository": change.repository,
        "trace_id": change.trace_id,
        "aliases": change.aliases,
        "first_seen_at": change.first_seen_at,
        "first_activity_at": change.first_activity_at,
        "abandoned_at": change.events.get("change.abandoned"),
        "merged_at": change.events.get("change.merged"),
        "opened_at": change.events.get("change.opened"),
        "created_at": change.events.get("work_item.created"),
        "work_started_at": change.events.get("work_item.started"),
        "reverts": change.reverts,
        "teams": change.teams,
        "value_streams": change.value_streams,
    }


def run_row(run: Run) -> dict[str, Any]:
    copied = (
        "repository",
        "stage_name",
        "stage_type",
        "service",
        "environment",
        "team",
        "revision",
        "result",
    )
    return {
        "change_id": run.change,
        **{column: run.row[column] for column in copied},
        "process_s": run.process_s,
        "queue_s": run.queue_s,
        "wait_s": run.wait_s,
    }


def deployment_row(story: Story, deployment: Deployment) -> dict[str, Any]:
    failure = story.judged.failures.get(deployment.id)
    return {
        "service": deployment.service,
        "environment": deployment.environment,
        "repository": deployment.repository,
        "revision": deployment.revision,
        "version": deployment.version,
        "artifact": deployment.artifact,
        "kind": deployment.kind,
        "result": deployment.result,
        "started_at": deployment.started_at,
        "finished_at": deployment.finished_at,
        "reported_id": deployment.reported_id,
        "attempt": deployment.attempt,
        "replaced_runs": deployment.replaced_runs,
        "backfilled": deployment.is_backfilled,
        "backfilled_ids": sorted(one.id for one in deployment.backfilled),
        "teams": deployment.teams,
        "value_streams": deployment.value_streams,
        "number": deployment.number,
        "previous_id": deployment.previous.id if deployment.previous else None,
        "change_mapping": best_method(story.carried[deployment.id]),
        "failed": failure is not None,
        "failure_method": failure.method if failure else None,
        "failure_incident_id": failure.incident_id if failure else None,
        "failure_at": failure.at if failure else None,
        "recovered_at": failure.recovered_at if failure else None,
        "recovery_method": failure.recovery_method if failure else None,
        "recovery_deployment_id": failure.recovery_deployment_id if failure else None,
        "rework": deployment.id in story.judged.rework,
    }


def incident_row(story: Story, incident: Incident) -> dict[str, Any]:
    method, blamed = story.judged.attribution[incident.id]
    first = min(blamed, key=lambda deployment: deployment.order, default=None)
    return {
        "service": incident.services[0] if incident.services else None,
        "environment": incident.environment,
        "severity": incident.severity,
        "started_at": incident.started_at,
        "start_told": incident.start_told,
        "detected_at": incident.first("detected"),
        "acknowledged_at": incident.first("acknowledged"),
        "mitigated_at": incident.first("mitigated"),
        "resolved_at": incident.resolved_at,
        "teams": incident.teams,
        "value_streams": incident.value_streams,
        "deployment_id": first.id if first else None,
        "attribution": method,
    }


def delivery_table(story: Story) -> Table:
    found: Table = {}
    for service, environment in {one.place for one in story.facts.deployments.values()}:
        here = [one for one in story.facts.deployments.values() if one.place == (service, environment)]
        for delivery in first_deliveries(here, story.carried, story.facts.changes, story.profile):
            found[delivery.change.id, service, environment] = {
                "repository": delivery.change.repository,
                "deployment_id": delivery.deployment.id,
                "deploy_started_at": delivery.deployment.started_at,
                "delivered_at": delivery.delivered_at,
                "lead_time_s": delivery.lead_time_s,
                "excluded": delivery.excluded,
                "start_method": delivery.begun_with,
                "trace_id": delivery.change.trace_id,
                "teams": delivery.change.teams,
                "value_streams": delivery.change.value_streams,
            }
    return found
