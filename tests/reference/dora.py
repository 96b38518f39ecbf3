"""The five DORA figures, with time to restore and to detect beside them."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from otel_vsm_collector.declared.profiles import Profile
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
        "time_to_restore": by_services(
            (
                (incident.services[0] if incident.services else None, incident.restore_s)
                for incident in counted
                if question.within(incident.resolved_at)
            ),
            profile,
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
    """Of all lead times in the window, with how many are counted from what."""
    counted = story.counted(question)
    found = by_services(((one.deployment.service, one.lead_time_s) for one in counted), story.profile)
    starts = Counter(one.begun_with for one in counted if one.lead_time_s is not None)
    return found | {"starts": dict(starts)}


def by_services(values: Iterable[tuple[str | None, float | None]], profile: Profile) -> dict[str, Any]:
    """The statistic of values, each with its service; where the profile says so, with the mean of the
    services' means."""
    by_service: dict[str | None, list[float]] = defaultdict(list)
    for service, value in values:
        if value is not None:
            by_service[service].append(value)
    found = statistic([value for of_service in by_service.values() for value in of_service], profile.median)
    if profile.mean == "services":
        found["mean"] = mean([sum(of_service) / len(of_service) for of_service in by_service.values()])
    return found
