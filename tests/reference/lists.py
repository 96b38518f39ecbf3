"""The lists: every change, deployment and incident behind a figure, in the shape of the API's answer."""

from typing import Any

from otel_vsm_collector.declared.profiles import Profile
from reference.changes import Change, legs
from reference.deliveries import counts, rounded
from reference.deployments import Deployment, best_method
from reference.story import Story
from scenarios.question import Question

Item = dict[str, Any]
_OF_DEPLOYMENT = (
    *("id", "service", "environment", "repository", "revision", "version", "kind", "result"),
    *("started_at", "finished_at"),
)


def changes(story: Story, question: Question) -> list[Item]:
    """The changes delivered in the window, and of those not delivered the ones begun in it."""
    arrived = {delivery.change.id: delivery for delivery in story.first_deliveries(question)}
    found = []
    for change in story.facts.changes.values():
        delivery = arrived.get(change.id)
        if not counts(change, story.profile) or not (delivery or story.passes(change, question)):
            continue
        start = change.start(story.profile)
        at = story.edge(delivery) if delivery else None
        if at is None:
            at = start[1] if start else change.first_seen_at
        if not question.within(at) or (question.service is not None and delivery is None):
            continue
        deployment = delivery.deployment if delivery else None
        found.append(
            {
                "id": change.id,
                "aliases": change.aliases,
                "repository": change.repository,
                "events": dict(change.events),
                "deployed": arrivals(story, change),
                "lead_time_s": delivery.lead_time_s if delivery else None,
                "legs": rounded_legs(change, deployment, story.profile),
                "deployment_ids": sorted(
                    name for name, carried in story.carried.items() if change.id in carried
                ),
                "excluded": delivery.excluded if delivery else None,
            }
        )
    return found


def arrivals(story: Story, change: Change) -> dict[str, int]:
    """When the change first reached each environment, by any service."""
    found: dict[str, int] = {}
    for name, carried in story.carried.items():
        deployment = story.facts.deployments[name]
        if change.id in carried and deployment.done:
            earlier = found.get(deployment.environment, deployment.finished_at)
            found[deployment.environment] = min(earlier, deployment.finished_at)
    return found


def rounded_legs(change: Change, deployment: Deployment | None, profile: Profile) -> dict[str, float | None]:
    parts = legs(
        change,
        deployment.started_at if deployment else None,
        deployment.finished_at if deployment else None,
    )
    return {name: None if part is None else rounded(part, profile) for name, part in parts.items()}


def deployments(story: Story, question: Question) -> list[Item]:
    """The deployments that finished in the window, successful or not."""
    found = []
    for deployment in story.deployments(question):
        if not question.within(deployment.finished_at):
            continue
        failure = story.judged.failures.get(deployment.id)
        item = {column: getattr(deployment, column) for column in _OF_DEPLOYMENT}
        item |= {
            "previous_id": deployment.previous.id if deployment.previous else None,
            "change_ids": sorted(story.carried[deployment.id]),
            "change_mapping": best_method(story.carried[deployment.id]),
            "failed": failure is not None,
            "failure": None,
            "recovered_at": None,
            "recovery": None,
        }
        if failure:
            item["failure"] = {
                "method": failure.method,
                "incident_id": failure.incident_id,
                "at": failure.at,
            }
            if failure.recovered_at is not None:
                item["recovered_at"] = failure.recovered_at
                item["recovery"] = {
                    "method": failure.recovery_method,
                    "deployment_id": failure.recovery_deployment_id,
                }
        found.append(item)
    return found


def incidents(story: Story, question: Question) -> list[Item]:
    """The incidents that started in the window."""
    found = []
    for incident in story.incidents(question):
        if not question.within(incident.started_at):
            continue
        method, blamed = story.judged.attribution[incident.id]
        first = min(blamed, key=lambda deployment: deployment.order, default=None)
        found.append(
            {
                "id": incident.id,
                "service": incident.services[0] if incident.services else None,
                "environment": incident.environment,
                "severity": incident.severity,
                "started_at": incident.started_at,
                "detected_at": incident.first("detected"),
                "acknowledged_at": incident.first("acknowledged"),
                "mitigated_at": incident.first("mitigated"),
                "resolved_at": incident.resolved_at,
                "deployment_id": first.id if first else None,
                "attribution": method,
            }
        )
    return found
