"""The five DORA figures, with time to restore and to detect beside them."""

from collections import defaultdict
from typing import Any

from reference.statistics import mean, ratio, statistic
from reference.story import Story, day_of
from scenarios.question import Question


def dora(story: Story, question: Question) -> dict[str, Any]:
    """In the shape of the API's answer, but for window and profile."""
    profile = story.profile
    lead_times = lead_time_statistic(story, question)
    done = [
        deployment
        for deployment in story.deployments(question)
        if deployment.done and question.within(deployment.finished_at)
    ]
    failures = [
        story.judged.failures[deployment.id] for deployment in done if deployment.id in story.judged.failures
    ]
    rework = [deployment for deployment in done if deployment.id in story.judged.rework]
    counted = story.incidents(question)
    failed = len(failures)
    if profile.fail_rate_of == "incidents":
        failed = len([incident for incident in counted if question.within(incident.started_at)])
    below = {
        "deployments": len(done),
        "deployments_or_one": max(len(done), 1),
        "lead_times": lead_times["count"],
    }[profile.fail_rate_per]
    return {
        "change_lead_time": lead_times,
        "deployment_frequency": {
            "deployments": len(done),
            "days_with_deployments": len(
                {day_of(deployment.finished_at, question.time_zone) for deployment in done}
            ),
            "per_day": len(done) / question.days,
        },
        "change_fail_rate": {"failed": failed, "deployments": len(done), "ratio": ratio(failed, below)},
        "failed_deployment_recovery_time": statistic(
            (failure.recovery_s(profile) for failure in failures), profile.median
        ),
        "deployment_rework_rate": {
            "rework": len(rework),
            "deployments": len(done),
            "ratio": ratio(len(rework), len(done)),
        },
        "time_to_restore": statistic(
            (incident.restore_s for incident in counted if question.within(incident.resolved_at)),
            profile.median,
        ),
        "time_to_detect": statistic(
            (
                incident.detect_s
                for incident in counted
                if incident.resolved_at is not None and question.within(incident.first("detected"))
            ),
            profile.median,
        ),
    }


def lead_time_statistic(story: Story, question: Question) -> dict[str, Any]:
    """Of all lead times in the window; where the profile says so, with the mean of the services' means."""
    values = lead_times(story, question)
    found = statistic([value for _, value in values], story.profile.median)
    if story.profile.mean == "services":
        by_service: dict[str, list[float]] = defaultdict(list)
        for service, value in values:
            if value is not None:
                by_service[service].append(value)
        found["mean"] = mean([sum(of_service) / len(of_service) for of_service in by_service.values()])
    return found


def lead_times(story: Story, question: Question) -> list[tuple[str, float | None]]:
    """Service and lead time of each change, or artifact, that arrived in the window."""
    return [(one.deployment.service, one.lead_time_s) for one in story.counted(question)]
