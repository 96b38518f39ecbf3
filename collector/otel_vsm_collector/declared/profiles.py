"""Profiles: named sets of the settings that people argue about when they compare delivery figures.

`dora` is the default; the others reproduce what other tools show. Each setting is read in one place: by the
derivation or the figure that it is about.
"""

from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from otel_vsm.semconv import EventName, FailureMethod, IncidentSeverity

EARLIEST_SPAN: Final = "span"
StartPoint = Literal[
    EventName.WORK_ITEM_CREATED,
    EventName.WORK_ITEM_STARTED,
    EventName.CHANGE_FIRST_COMMIT,
    EventName.CHANGE_OPENED,
    EventName.CHANGE_READY,
    EventName.CHANGE_REVIEWED,
    EventName.CHANGE_APPROVED,
    EventName.CHANGE_MERGED,
    "span",
]
Mapping = Literal["links", "ancestry", "revision", "artifact", "time"]
Failing = Literal[
    FailureMethod.INCIDENT_LINK, FailureMethod.ROLLBACK, FailureMethod.HOTFIX, FailureMethod.INCIDENT_WINDOW
]


class Profile(BaseModel):
    """By whose definitions figures are computed; the defaults are those of `dora`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: Literal["change", "request"] = Field(
        default="change", description="What is counted as one change: every change, or merged requests alone."
    )
    lead_time_start: Annotated[tuple[StartPoint, ...], Field(min_length=1)] = Field(
        default=(
            EventName.CHANGE_FIRST_COMMIT,
            EventName.CHANGE_OPENED,
            EventName.CHANGE_MERGED,
        ),
        description="Where lead time begins: the first of these that a change has; span is its earliest"
        " span. A change with none of them has no lead time.",
    )
    lead_time: Literal["elapsed", "cycle"] = Field(
        default="elapsed",
        description="elapsed: from the start until delivered. cycle: coding + (merged − opened) +"
        " (delivered − merged), where a part that is not known counts as nothing.",
    )
    lead_time_per: Literal["change", "artifact"] = Field(
        default="change",
        description="What has a lead time: each change delivered, or each artifact's first deployment by a"
        " service, from its commit.",
    )
    negative: Literal["exclude", "zero", "null"] = Field(
        default="exclude",
        description="What becomes of a duration below zero: its change is left out as clock_skew, it is taken"
        " as zero, or it is not known, which as a part of a cycle counts as nothing.",
    )
    rounding: Literal["none", "minutes_up"] = Field(
        default="none", description="Whether the parts of a lead time are rounded up to whole minutes."
    )
    window_edge: Literal["delivered", "merged"] = Field(
        default="delivered", description="Which moment of a change has to lie in the window."
    )
    first_deployment: Literal["head", "all", "none"] = Field(
        default="head",
        description="What the first deployment ever of a service to an environment delivers: its own head"
        " change, all that it carries, or nothing.",
    )
    mapping: Annotated[tuple[Mapping, ...], Field(min_length=1)] = Field(
        default=("links", "ancestry", "revision", "artifact"),
        description="By which methods a deployment finds the changes that it carries, best first.",
    )
    failure_methods: tuple[Failing, ...] = Field(
        default=get_args(Failing),
        description="By which methods a deployment is found to have failed, in this order.",
    )
    incident_window_s: Annotated[float, Field(gt=0)] | None = Field(
        default=72 * 3600.0,
        description="For how many seconds after a deployment an incident is put down to it; null: until the"
        " next deployment.",
    )
    incident_match: Literal["service", "project"] = Field(
        default="service",
        description="Whether an incident is put down to a deployment of its own service, or to the latest"
        " one of any service of its project: the declared value stream that names the service.",
    )
    incident_severities: tuple[IncidentSeverity, ...] | None = Field(
        default=None, description="Which incidents count, by severity; null: all, also those that name none."
    )
    fail_rate_of: Literal["failed_deployments", "incidents"] = Field(
        default="failed_deployments", description="What the change fail rate counts above the line."
    )
    fail_rate_per: Literal["deployments", "deployments_or_one", "lead_times"] = Field(
        default="deployments",
        description="What it counts below: successful deployments, the same but at least 1, or lead times.",
    )
    recovery_start: Literal["deployment_end", "incident_start"] = Field(
        default="deployment_end", description="From when on the recovery of a failed deployment is counted."
    )
    statistic: Literal["p50", "mean"] = Field(
        default="p50", description="Which part of a distribution stands for it."
    )
    median: Literal["interpolated", "lower"] = Field(
        default="interpolated",
        description="What p50 is of an even number of values: their middle, or the lower one.",
    )
    mean: Literal["values", "services"] = Field(
        default="values",
        description="What a mean of lead times or times to restore is taken of: all values, or the services'"
        " means.",
    )

    @property
    def of_changes(self) -> "Profile":
        """The same, with the lead times of changes where it has those of artifacts."""
        return self.model_copy(update={"lead_time_per": "change"})


DORA = Profile()

BUILT_IN: dict[str, Profile] = {
    "dora": DORA,
    "devlake": Profile(
        unit="request",
        lead_time="cycle",
        negative="null",
        rounding="minutes_up",
        first_deployment="none",
        failure_methods=(FailureMethod.INCIDENT_LINK, FailureMethod.INCIDENT_WINDOW),
        incident_window_s=None,
        incident_match="project",
        median="lower",
    ),
    "gitlab": Profile(
        lead_time_start=(EventName.CHANGE_MERGED,),
        negative="zero",
        fail_rate_of="incidents",
        fail_rate_per="deployments_or_one",
    ),
    "pelorus": Profile(
        lead_time_start=(EventName.CHANGE_FIRST_COMMIT, EARLIEST_SPAN),
        lead_time_per="artifact",
        fail_rate_of="incidents",
        fail_rate_per="lead_times",
        statistic="mean",
        mean="services",
    ),
    "middleware": Profile(
        failure_methods=(FailureMethod.INCIDENT_LINK, FailureMethod.INCIDENT_WINDOW),
        incident_window_s=None,
        statistic="mean",
    ),
}
