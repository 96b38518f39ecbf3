"""The cast: a small company with two teams, three services and what goes wrong with them now and then."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from otel_vsm.identity import Repository

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = range(5)
WORKDAYS = (MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY)


class Trouble(Enum):
    """What becomes of a production deployment that does not go well."""

    FAILED_ROLLOUT = auto()
    """It never reached the users."""
    ROLLBACK = auto()
    """The version before it is brought back, without an incident."""
    HOTFIX = auto()
    """A small repair follows within two hours."""
    LINKED_INCIDENT = auto()
    """An incident that names the deployment; rolled back."""
    INCIDENT = auto()
    """An incident that names no deployment, and is ended without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Durations are medians in hours."""

    name: str
    repository: Repository
    team: str
    value_stream: str
    changes_per_day: float
    coding_h: float
    pickup_h: float
    review_h: float
    deploy_days: tuple[int, ...]
    deploy_hours: tuple[int, ...]
    """Production deployments of a day, hours in UTC."""
    gate_h: float | None
    """How long people take to let a change into production; None where a machine decides."""
    troubles: Mapping[int, Trouble]
    """By the number of the production deployment, the first being 1."""
    incident_without_cause: bool = False
    """One that begins more than 72 hours after a deployment."""
    suffers_now: bool = False
    """An incident that is not over."""


SERVICES = (
    Service(
        name="shop",
        repository=Repository("github.com/acme/shop"),
        team="checkout",
        value_stream="buying",
        changes_per_day=1.6,
        coding_h=9,
        pickup_h=3,
        review_h=5,
        deploy_days=WORKDAYS,
        deploy_hours=(10, 15),
        gate_h=None,
        troubles={
            8: Trouble.ROLLBACK,
            19: Trouble.LINKED_INCIDENT,
            27: Trouble.FAILED_ROLLOUT,
            34: Trouble.HOTFIX,
        },
    ),
    Service(
        name="payments",
        repository=Repository("github.com/acme/payments"),
        team="checkout",
        value_stream="buying",
        changes_per_day=0.7,
        coding_h=20,
        pickup_h=10,
        review_h=14,
        deploy_days=(TUESDAY, THURSDAY),
        deploy_hours=(13,),
        gate_h=26,
        troubles={9: Trouble.INCIDENT, 15: Trouble.ROLLBACK},
        incident_without_cause=True,
    ),
    Service(
        name="search",
        repository=Repository("gitlab.com/acme/search"),
        team="catalogue",
        value_stream="finding",
        changes_per_day=1.1,
        coding_h=14,
        pickup_h=5,
        review_h=8,
        deploy_days=WORKDAYS,
        deploy_hours=(14,),
        gate_h=None,
        troubles={
            5: Trouble.FAILED_ROLLOUT,
            12: Trouble.INCIDENT,
            22: Trouble.HOTFIX,
            29: Trouble.LINKED_INCIDENT,
        },
        suffers_now=True,
    ),
)

FLAKY_TESTS = 0.08
"""Share of test runs that fail and pass at the second try, at the same revision."""
BROKEN_TESTS = 0.12
"""Share of test runs that fail until the change is repaired."""
SECOND_REVIEWS = 0.25
"""Share of changes that are reworked after the first review."""
WITH_WORK_ITEM = 0.7
"""Share of changes that a work item asked for."""
DENIED = 0.05
"""Share of changes that people do not let into production."""
ABANDONED = 0.04
"""Share of changes that are given up in review."""
LATE = 0.05
"""Share of spans that arrive long after what followed them."""
DUPLICATES = 0.03
"""Share of spans that are sent twice."""
