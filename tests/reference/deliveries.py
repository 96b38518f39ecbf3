"""Deliveries: when a change first reached an environment, and how long it took."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from otel_vsm_collector.declared.profiles import Profile
from reference.changes import SECOND, Change
from reference.deployments import Carried, Deployment

MINUTE = 60


@dataclass
class Delivery:
    """A change, the first deployment that brought it, and its lead time or why it has none."""

    change: Change
    deployment: Deployment
    lead_time_s: float | None
    excluded: str | None
    begun_with: str | None = None
    """What its lead time is counted from."""

    @property
    def delivered_at(self) -> int:
        return self.deployment.finished_at


Passes = Callable[[Change, Deployment], bool]


def first_deliveries(
    wanted: list[Deployment],
    carried: Carried,
    changes: dict[str, Change],
    profile: Profile,
    passes: Passes = lambda change, deployment: True,
) -> list[Delivery]:
    """Every change that one of the deployments brought, by the first of them that `passes` with it."""
    first: dict[str, Deployment] = {}
    for deployment in sorted(wanted, key=lambda deployment: deployment.order):
        if deployment.done:
            for change in carried[deployment.id]:
                # A request that spans of another one name beside it, and none goes by, is brought by nobody.
                if change in changes and passes(changes[change], deployment):
                    first.setdefault(change, deployment)
    return [
        Delivery(changes[change], deployment, *lead_time(changes[change], deployment, profile))
        for change, deployment in first.items()
        if counts(changes[change], profile)
    ]


def counts(change: Change, profile: Profile) -> bool:
    """Whether the profile takes it for a change."""
    return profile.unit == "change" or change.is_merged_request


def first_artifacts(
    wanted: list[Deployment],
    carried: Carried,
    changes: dict[str, Change],
    profile: Profile,
    passes: Passes,
) -> list[Delivery]:
    """The first deployment of every artifact of a service, since its change that began first. `carried` is
    what each deployment brings, but for what the same artifact had brought before.

    What is deployed again to the same environment was delivered before, whatever is known of that.
    """
    first: dict[tuple[str, str, str], Deployment] = {}
    for deployment in sorted(wanted, key=lambda deployment: deployment.order):
        if deployment.done:
            first.setdefault((*deployment.place, deployment.shipped), deployment)
    found: dict[tuple[str, str], Delivery] = {}
    for (service, _, artifact), deployment in first.items():
        known = (changes[name] for name in carried[deployment.id] if name in changes)
        brought = [change for change in known if counts(change, profile)]
        if brought:
            earliest = min(brought, key=lambda change: (_started(change, profile), change.id))
            delivery = Delivery(earliest, deployment, *lead_time(earliest, deployment, profile))
            if passes(earliest, deployment):
                found.setdefault((service, artifact), delivery)
    return list(found.values())


def _started(change: Change, profile: Profile) -> float:
    start = change.start(profile)
    return start[1] if start else math.inf


def lead_time(
    change: Change, deployment: Deployment, profile: Profile
) -> tuple[float | None, str | None, str | None]:
    """Seconds, or null and why; and what they are counted from."""
    if profile.lead_time == "cycle":
        parts = ("change.first_commit", "change.opened", "change.merged")
        begun_with = next((event for event in parts if event in change.events), None)
        return *_cycle(change, deployment, profile), begun_with
    start = change.start(profile)
    if start is None:
        return None, "no_start", None
    return *judged_length((deployment.finished_at - start[1]) / SECOND, profile), start[0]


def judged_length(length_s: float, profile: Profile) -> tuple[float | None, str | None]:
    if length_s >= 0:
        return rounded(length_s, profile), None
    if profile.negative == "zero":
        return 0.0, None
    return None, "clock_skew"


def _cycle(change: Change, deployment: Deployment, profile: Profile) -> tuple[float | None, str | None]:
    """Coding, then until merged, then until delivered; a part that is not known counts as nothing."""
    merged = change.events.get("change.merged")
    if merged is None:
        return None, "no_start"
    opened = change.events.get("change.opened")
    parts = [
        (change.events.get("change.first_commit"), opened),
        (opened, merged),
        (merged, deployment.finished_at),
    ]
    total = 0.0
    for start, end in parts:
        if start is None or end is None:
            continue
        if end < start:
            if profile.negative == "exclude":
                return None, "clock_skew"
            continue
        total += rounded((end - start) / SECOND, profile)
    return total, None


def rounded(length_s: float, profile: Profile) -> float:
    if profile.rounding == "none":
        return length_s
    whole = length_s // MINUTE * MINUTE
    return whole if whole == length_s else whole + MINUTE
