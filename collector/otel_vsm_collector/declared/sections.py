"""The sections of `vsm.yaml`. What is not given has a default here, and nowhere else."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    WithJsonSchema,
    create_model,
    field_validator,
)

from otel_vsm import figures
from otel_vsm.identity import normalise_repository
from otel_vsm.semconv import StageType
from otel_vsm.text import quoted
from otel_vsm_collector.declared.lengths import Length
from otel_vsm_collector.declared.profiles import Profile, StartPoint

UTC = "UTC"
DEFAULT_PROFILE = "dora"
PRODUCTION = "production"
TRACE_ID = "{trace_id}"
"""What stands for the id of a trace in an address."""
PRODUCTION_NAMES = ("production", "prod")

if TYPE_CHECKING:
    Measure = str
else:
    Measure = Literal[tuple(figure.name for figure in figures.MEASURES)]


def _repository(text: str) -> str:
    repository = normalise_repository(text)
    if not repository or "/" not in repository:
        raise ValueError(
            f"{quoted(text)} is no repository; write its URL, or host and path, such as github.com/acme/shop"
        )
    return repository


def _time_zone(name: str) -> str:
    # UTC is known also where no database of time zones is installed.
    if name != UTC and name not in available_timezones():
        close = get_close_matches(name, available_timezones(), 1)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise ValueError(
            f"{quoted(name)} is no time zone; write a name of the IANA database, such as Europe/Berlin{meant}"
        )
    return name


def _without_defaults(schema: dict[str, Any]) -> None:
    # What is not given is as in the profile that is extended: an editor must not say anything else.
    for name, setting in schema["properties"].items():
        if name != "extends":
            del setting["default"]


def _seconds(given: Any) -> float | None:
    return None if given is None else float(Length(given).seconds)


def _trace_url(text: str) -> str:
    if not text.startswith(("https://", "http://")) or text.count(TRACE_ID) != 1:
        raise ValueError(
            f"{quoted(text)} is no address of traces; write one that begins with https:// or http:// and has"
            f" {TRACE_ID} once, such as https://jaeger.example.com/trace/{TRACE_ID}"
        )
    return text


Name = Annotated[str, Field(min_length=1)]
Pattern = Annotated[
    str, Field(min_length=1), WithJsonSchema({"type": "string", "minLength": 1, "format": "pattern"})
]
Names = tuple[Name, ...]
Patterns = tuple[Pattern, ...]
Share = Annotated[float, Strict(), Field(ge=0, le=1)]
Objective = Annotated[float, Strict(), Field(gt=0, lt=1)]
Repository = Annotated[Name, AfterValidator(_repository)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
TraceUrl = Annotated[str, AfterValidator(_trace_url)]


class Section(BaseModel):
    """A mapping with keys that are known."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    DROPPED: ClassVar[Mapping[str, str]] = {}
    """Keys that earlier versions knew → what to do instead."""


class Stage(Section):
    """What is known of the stages whose name matches a pattern."""

    type: StageType | None = Field(
        default=None, description="The kind of work that it does, whatever its spans say."
    )
    quarantined: Annotated[bool, Strict()] = Field(
        default=False, description="Whether its failures are known to mean nothing: counted apart."
    )
    service: Name | None = Field(default=None, description="The service that it works for.")
    team: Name | None = Field(default=None, description="The team that does the work.")


class Service(Section):
    """Where a service comes from, and whose it is."""

    DROPPED = {
        "paths": "no span tells files, so that this never meant anything; say whose a stage is by `stages`,"
        " or where it runs: otel-vsm stage --service, and otel-vsm deploy --path"
    }

    repository: Repository | None = Field(
        default=None,
        description="Its repository, as a URL or as host and path. Stages there that no other service has"
        " work for it, if it is the only one there without `stages`.",
    )
    stages: Patterns = Field(
        default=(), description="In a repository of several services: the stages that work for it."
    )
    team: Name | None = Field(default=None, description="The team that it belongs to.")


class Team(Section):
    """What a team works on; the same can be said by `team` of a service or a stage."""

    services: Names = Field(default=(), description="The services that belong to it.")
    stages: Patterns = Field(
        default=(), description="The stages that it does the work of, for whichever service."
    )


class _Limits(Section):
    """What counts as too much, too long or too seldom; null: nothing does."""

    DROPPED = {
        "suspicious_revisions": "is no setting any more: requests of one repository are never taken for one"
        " change, so leave the key out"
    }

    approval_wait: Length = Field(
        default=Length("4h"), description="An approval that waited longer is a breach."
    )
    unfinished_after: Length = Field(
        default=Length("24h"),
        description="A stage that began and has not ended for longer is called unfinished.",
    )
    change_age: Length | None = Field(
        default=Length("14d"), description="A change that has been in progress for longer is too old."
    )
    unlinked: Share | None = Field(
        default=0.2,
        description="Runs of stages, and successful deployments, that no change was found for; of more,"
        " figures cannot be believed.",
    )
    lag: Length | None = Field(
        default=Length("5min"), description="A collector that is behind for longer needs somebody."
    )


def _limit(figure: figures.Figure, limit: figures.Limit) -> tuple[Any, Any]:
    """What a figure's limit is, and its default."""
    description = limit.description or figure.sentence
    if figure.kind is figures.Kind.DURATION:
        return Length | None, Field(default=Length(limit.default), description=description)
    return Share | None, Field(default=limit.default, description=description)


if TYPE_CHECKING:

    class Limits(_Limits):
        def __init__(self, **limits: Any) -> None: ...
else:
    Limits = create_model(
        "Limits",
        __base__=_Limits,
        __doc__=_Limits.__doc__,
        **{
            figure.limit.key: _limit(figure, figure.limit)
            for figure in figures.FIGURES.values()
            if figure.limit is not None
        },
    )


class Objectives(Section):
    """What is to be reached over a window. How fast the rest is used up becomes alerts, see `otel-vsm rules`;
    null: nothing is aimed at."""

    window: Length = Field(default=Length("30d"), description="The length of the window.")
    deployments: Objective | None = Field(
        default=None, description="Successful deployments that did not fail their users, at least."
    )
    lead_time: Objective | None = Field(
        default=None, description="Changes whose lead time is within `limits.lead_time`, at least."
    )
    time_to_restore: Objective | None = Field(
        default=None,
        description="Incidents that were restored within `limits.time_to_restore`, at least.",
    )


class Advice(Section):
    """From when on something is worth a sentence."""

    changes: Annotated[int, Strict(), Field(ge=1)] = Field(
        default=10, description="Changes delivered in the window, at least; of fewer nothing can be advised."
    )
    share: Share = Field(
        default=0.1,
        description="What a wait takes of all flow time, or rework and flaky runs of the executions of a"
        " stage, at least.",
    )


class Telemetry(Section):
    """What becomes of spans of tools that this version cannot read."""

    unmapped_scopes: Patterns = Field(
        default=(),
        description="Instrumentation scopes whose spans are kept.",
    )
    unmapped_attributes: Patterns = Field(
        default=("github.actions.*", "github.run_*", "pytest.*", "tekton.*", "test.*"),
        description="Attributes whose spans are kept. Not so what a service does to answer a request.",
    )
    unmapped_mib: Annotated[int, Strict(), Field(ge=0)] = Field(
        default=256,
        description="What they may take of the journal, in MiB; what comes beyond that is not kept."
        " 0: none is.",
    )


class OwnProfile(Profile):
    """A profile of one's own: another one, but for what is given here."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    extends: Name = Field(
        default=DEFAULT_PROFILE, description="The profile that it is but for what is given."
    )
    incident_window_s: Annotated[
        float | None,
        BeforeValidator(_seconds, json_schema_input_type=Length | None),
    ] = Field(
        default=Profile.model_fields["incident_window_s"].default,
        alias="incident_window",
        description="How long after a deployment an incident is put down to it; null: until the next"
        " deployment.",
    )

    @field_validator("negative", mode="before")
    @classmethod
    def _null(cls, given: Any) -> Any:
        """That durations below zero are null is written null, too."""
        return "null" if given is None else given

    def over(self, base: Profile) -> Profile:
        """The other profile with what is given here."""
        given = self.model_fields_set - {"extends"}
        return base.model_copy(update={name: getattr(self, name) for name in given})


class ValueStream(Section):
    """From a demand to what its recipient gets. Who asks for it gets what is of its services and
    repositories, and the work of its teams where nobody said for which service and in which repository; where
    it names neither service nor repository, all of its teams' work; and what names it itself."""

    DROPPED = {"end": "a value stream ends when its changes are delivered; leave it out"}

    recipient: Name | None = Field(default=None, description="Who gets what it delivers.")
    owner: Name | None = Field(default=None, description="Who answers for it.")
    start: StartPoint | None = Field(
        default=None,
        description="What its lead times start with; null: the list of the profile.",
    )
    stages: Patterns = Field(default=(), description="The stages that it consists of, in order; none: all.")
    teams: Names = Field(default=(), description="The teams that work in it.")
    systems: Names = Field(default=(), description="The services that it delivers.")
    repositories: tuple[Repository, ...] = Field(
        default=(),
        description="Its repositories, besides those of its services; whichever service work in them is for.",
    )
    hand_offs: Names = Field(default=(), description="Where work passes from one team to another.")
    known_delays: Names = Field(default=(), description="Where work is known to wait, and why.")
    common_rework: Names = Field(default=(), description="What is known to come back.")
    primary_measure: Measure | None = Field(default=None, description="The figure that it is judged by.")
