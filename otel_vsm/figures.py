"""The catalogue of figures: what each is called, what it counts, and what it says.

The API, limits, metrics, reports and pages follow from it; how a figure is computed is the collector's
(`otel_vsm_collector.figures`). It imports nothing but the standard library.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

Group = Literal["dora", "flow", "measurement"]


class Kind(Enum):
    """What a figure is, and so which member of its value in the API stands for all of it."""

    DURATION = "duration"
    """A distribution of seconds; the statistic that the profile shows stands for it."""
    SHARE = "ratio"
    RATE = "per_day"
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What `limits` in vsm.yaml can call too much, too long or too little of a figure."""

    key: str
    default: str | float
    """A length of time, or a share from 0 to 1."""
    description: str = ""
    """Where it is about something else than the figure's sentence says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    name: str
    """As the API calls it."""
    title: str
    group: Group
    """The answer of the API that it stands in, /api/v1/…"""
    kind: Kind
    better: Literal["more", "less"] | None = None
    noun: str
    """One of what it counts; of a share what is below the line."""
    whole: str = ""
    """How the API calls how many these are: of a share those below the line."""
    part: str = ""
    """How the API calls how many of them are above the line."""
    sentence: str
    """What it is."""
    note: str = ""
    """Words that go with its value; what has a note has a tile on the page, or a line of flow in a report."""
    limit: Limit | None = None
    is_explained: bool = True
    """Whether /api/v1/explain tells the rows behind it."""
    is_measure: bool = False
    """Whether a value stream can have it as its `primary_measure`."""

    @property
    def unit(self) -> str:
        """In UCUM."""
        annotation = "{" + self.noun.replace(" ", "_") + "}"
        return {Kind.DURATION: "s", Kind.SHARE: "1", Kind.RATE: f"{annotation}/d"}.get(self.kind, annotation)

    @property
    def at_least(self) -> bool:
        """Whether less than its limit is the breach; else more is."""
        return self.better == "more"

    @property
    def is_loss(self) -> bool:
        """Whether it is a share of which what is above the line went wrong."""
        return self.kind is Kind.SHARE and self.better == "less"

    def count(self, value: Any) -> int:
        """How many of what it counts are behind a value of the API's; 0 where that does not say."""
        return value.get(self.whole or "count", 0) if isinstance(value, Mapping) else 0

    def number(self, value: Any, statistic: str) -> float | None:
        """The one number that stands for a value of the API's; None where there is nothing to count."""
        if isinstance(value, Mapping):
            value = value[statistic if self.kind is Kind.DURATION else self.kind.value]
        elif isinstance(value, list):
            value = sum(one[self.part] for one in value)
        return None if value is None else float(value)


_CATALOGUE = (
    Figure(
        name="change_lead_time",
        title="Change lead time",
        group="dora",
        kind=Kind.DURATION,
        better="less",
        noun="change",
        sentence="From a change's start, its first commit by default, until it was delivered.",
        note="from first commit to production",
        limit=Limit(key="lead_time", default="7d", description="Lead time of a change."),
        is_measure=True,
    ),
    Figure(
        name="flow_time",
        title="Flow time",
        group="flow",
        kind=Kind.DURATION,
        better="less",
        noun="change",
        sentence="From the first activity on a change until it was delivered, of the changes delivered in the"
        " window.",
        note="first activity until delivered",
        is_measure=True,
    ),
    Figure(
        name="active_time",
        title="Active time",
        group="flow",
        kind=Kind.DURATION,
        noun="change",
        sentence="The part of flow time in which a stage of the change went on; parallel ones count once.",
    ),
    Figure(
        name="cycle_time",
        title="Cycle time",
        group="flow",
        kind=Kind.DURATION,
        better="less",
        noun="change",
        sentence="Flow time without the time that one of the change's work items was blocked.",
        note="the same without the time that work was blocked",
        limit=Limit(
            key="cycle_time",
            default="3d",
            description="From the first work until done, without the time that it was blocked.",
        ),
    ),
    Figure(
        name="flow_efficiency",
        title="Flow efficiency",
        group="flow",
        kind=Kind.SHARE,
        better="more",
        noun="change",
        sentence="All active time over all flow time, 0 to 1, of changes whose active time is known.",
        note="of that time something was done",
        is_measure=True,
    ),
    Figure(
        name="throughput_per_day",
        title="Throughput",
        group="flow",
        kind=Kind.RATE,
        better="more",
        noun="change",
        sentence="Changes delivered per day of the window.",
        note="changes delivered",
        is_measure=True,
    ),
    Figure(
        name="wip",
        title="Work in progress",
        group="flow",
        kind=Kind.COUNT,
        better="less",
        noun="change",
        sentence="Changes in progress at the window's end.",
        is_measure=True,
    ),
    Figure(
        name="rework",
        title="Rework",
        group="flow",
        kind=Kind.SHARE,
        better="less",
        noun="execution",
        whole="executions",
        part="rework_runs",
        sentence="Executions of stages that had already succeeded for their changes.",
        note="of what had succeeded before",
    ),
    Figure(
        name="rolled_complete_accurate",
        title="Rolled complete and accurate",
        group="flow",
        kind=Kind.SHARE,
        better="more",
        noun="change",
        sentence="The product of the stages' `complete_accurate`, 0 to 1; quarantined stages are left out.",
        is_explained=False,
    ),
    Figure(
        name="handoffs",
        title="Hand-offs",
        group="flow",
        kind=Kind.COUNT,
        better="less",
        noun="hand-off",
        sentence="Work that passed from one team to another, and how long it lay between them.",
    ),
    Figure(
        name="approvals",
        title="Late approvals",
        group="flow",
        kind=Kind.COUNT,
        better="less",
        noun="approval",
        part="breaches",
        sentence="How long changes waited for answers; by gate, people and machines apart.",
    ),
    Figure(
        name="deployment_frequency",
        title="Deployment frequency",
        group="dora",
        kind=Kind.RATE,
        better="more",
        noun="deployment",
        whole="deployments",
        sentence="Successful deployments per day of the window.",
        note="successful",
        is_measure=True,
    ),
    Figure(
        name="change_fail_rate",
        title="Change fail rate",
        group="dora",
        kind=Kind.SHARE,
        better="less",
        noun="deployment",
        whole="deployments",
        part="failed",
        sentence="Failed deployments, of the successful ones.",
        note="hurt users: an incident, rollback or hotfix followed",
        limit=Limit(key="change_fail_rate", default=0.05),
        is_measure=True,
    ),
    Figure(
        name="failed_deployment_recovery_time",
        title="Recovery time",
        group="dora",
        kind=Kind.DURATION,
        better="less",
        noun="failure",
        sentence="From the end of a failed deployment until its recovery.",
        note="from a failed deployment until users were well",
        limit=Limit(key="recovery_time", default="1h"),
        is_measure=True,
    ),
    Figure(
        name="deployment_rework_rate",
        title="Deployment rework rate",
        group="dora",
        kind=Kind.SHARE,
        better="less",
        noun="deployment",
        whole="deployments",
        part="rework",
        sentence="Deployments that only repaired an earlier one, of the successful ones.",
        note="only repaired an earlier one",
        is_measure=True,
    ),
    Figure(
        name="time_to_restore",
        title="Time to restore",
        group="dora",
        kind=Kind.DURATION,
        better="less",
        noun="incident",
        sentence="From the start of an incident until it is resolved.",
        limit=Limit(key="time_to_restore", default="1h"),
        is_measure=True,
    ),
    Figure(
        name="time_to_detect",
        title="Time to detect",
        group="dora",
        kind=Kind.DURATION,
        better="less",
        noun="incident",
        sentence="From the start of an incident until it is detected.",
        is_measure=True,
    ),
    Figure(
        name="pipeline",
        title="Pipeline success",
        group="flow",
        kind=Kind.SHARE,
        better="more",
        noun="pipeline",
        whole="pipelines",
        part="succeeded",
        sentence="Runs of pipelines in whose last attempt all stages succeeded that were not skipped.",
        limit=Limit(
            key="pipeline_success", default=0.95, description="Successful runs of pipelines, at least."
        ),
    ),
    Figure(
        name="tests",
        title="Test pass rate",
        group="flow",
        kind=Kind.SHARE,
        better="more",
        noun="run",
        sentence="Runs of test stages that succeeded.",
        limit=Limit(
            key="test_pass_rate",
            default=0.98,
            description="Successful runs of test stages that are not quarantined, at least.",
        ),
        is_explained=False,
    ),
    Figure(
        name="promotion_time",
        title="Promotion time",
        group="flow",
        kind=Kind.DURATION,
        better="less",
        noun="artifact",
        sentence="From when a service first ran an artifact in another environment until it first did in this"
        " one, in the window.",
    ),
    Figure(
        name="rollback",
        title="Rollbacks",
        group="flow",
        kind=Kind.SHARE,
        better="less",
        noun="deployment",
        whole="deployments",
        part="rollbacks",
        sentence="Rollbacks among the successful deployments of the window.",
    ),
    Figure(
        name="ingest_delay",
        title="Ingest delay",
        group="measurement",
        kind=Kind.DURATION,
        better="less",
        noun="span",
        sentence="From the end of a span until it arrived; what was backfilled is left out.",
        limit=Limit(key="ingest_delay", default="30s"),
        is_explained=False,
    ),
)
"""In the order in which work passes, which is that of the limits in vsm.yaml."""

FIGURES = {figure.name: figure for figure in _CATALOGUE}


def of(group: Group) -> tuple[Figure, ...]:
    """The figures of an answer of the API, in its order."""
    return tuple(figure for figure in _CATALOGUE if figure.group == group)


EXPLAINED = tuple(figure for figure in (*of("dora"), *of("flow")) if figure.is_explained)
MEASURES = tuple(figure for figure in (*of("dora"), *of("flow")) if figure.is_measure)
